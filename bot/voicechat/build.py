"""From a checkpoint to a model that can step."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import NemotronHConfig

from bot.voicechat.checkpoint import Checkpoint, open_checkpoint
from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.duplex import DuplexLLM
from bot.voicechat.model import VoiceChat
from bot.voicechat.perception import Perception
from bot.voicechat.precision import PARITY, Profile
from bot.voicechat.rnnt import Rnnt
from bot.voicechat.thinker import Thinker
from bot.voicechat.tokenizer import special_tokens
from bot.voicechat.turntaking import PieceKinds


def load(
    source: str | Path,
    *,
    revision: str | None = None,
    profile: Profile = PARITY,
    device: torch.device | str = "cpu",
) -> VoiceChat:
    """Of a local folder or a hub id. Raises ``CheckpointError``; see ``build``."""
    return build(open_checkpoint(source, revision), profile=profile, device=device)


@torch.no_grad()
def build(
    checkpoint: Checkpoint,
    *,
    profile: Profile = PARITY,
    device: torch.device | str = "cpu",
    use_meta_device: bool = True,
) -> VoiceChat:
    """The model of ``checkpoint``, its weights read straight to ``device`` and their dtypes.

    Args:
        checkpoint: accounted for; its values are checked as they are read.
        profile: dtypes. Its switches hold for steps and are the caller's (``precision``).
        device: of weights and states.
        use_meta_device: make the modules without memory. Otherwise they first get random values
            on the CPU from torch's global generator, which are then thrown away; the result is the
            same, and a module that must be made with values can be tried so.
    """
    with torch.device("meta") if use_meta_device else nullcontext():
        model = assemble(checkpoint.config, checkpoint.llm, checkpoint.tokenizer)
    model.perception.load(checkpoint.perception(device=device))
    model.llm.thinker.load(checkpoint.thinker(device=device, dtype=profile.thinker))
    if model.rnnt is None:
        return model
    model.rnnt.load(checkpoint.rnnt(device=device))
    return replace(model, kinds=PieceKinds.of(model.rnnt.config.pieces, device=device))


def assemble(config: VoiceChatConfig, llm: NemotronHConfig, tokenizer: Tokenizer) -> VoiceChat:
    """The parts without weights of use, on torch's default device."""
    ids = special_tokens(tokenizer, config.thinker)
    rnnt = kinds = None
    if config.rnnt is not None:
        rnnt = Rnnt(config.rnnt, width=config.encoder.width)
        kinds = PieceKinds.of(config.rnnt.pieces)
    thinker = Thinker(config.thinker, llm, special=ids)
    return VoiceChat(config, tokenizer, ids, Perception(config), rnnt, DuplexLLM(thinker), kinds)

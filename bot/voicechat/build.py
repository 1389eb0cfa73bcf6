"""From a checkpoint to a model that can step."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from huggingface_hub import constants
from tokenizers import Tokenizer
from transformers import NemotronHConfig

from bot.voicechat.checkpoint import Checkpoint, open_checkpoint
from bot.voicechat.codec import BOOKS, CodecDecoder
from bot.voicechat.codec import LAYERS as DECODER
from bot.voicechat.codecencoder import LAYERS as ENCODER
from bot.voicechat.codecencoder import CodecEncoder, silence_codes
from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.duplex import DuplexLLM
from bot.voicechat.model import VoiceChat
from bot.voicechat.perception import Perception
from bot.voicechat.precision import PARITY, Profile
from bot.voicechat.rnnt import Rnnt
from bot.voicechat.special import SpecialTokens
from bot.voicechat.speech import Speech
from bot.voicechat.speechcheck import check_speech
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.speechlayout import TTS
from bot.voicechat.spelling import SpellingEncoder
from bot.voicechat.subwords import SubwordTable, table_of
from bot.voicechat.talker import Talker
from bot.voicechat.thinker import Thinker
from bot.voicechat.tokenizer import FILE as TOKENIZER
from bot.voicechat.tokenizer import special_tokens
from bot.voicechat.turntaking import PieceKinds

USER_CACHE = Path(constants.HF_ASSETS_CACHE) / "parley" / "voicechat"
"""Beside the hub's own, where the user may have put that."""

SPELLING = "embed_subword."
"""What the names of the spelling encoder's tensors begin with, among the talker's."""


def load(
    source: str | Path,
    *,
    revision: str | None = None,
    profile: Profile = PARITY,
    device: torch.device | str = "cpu",
    speak: bool = True,
    caches: Sequence[Path] = (),
) -> VoiceChat:
    """Of a local folder or a hub id. Raises ``CheckpointError``; see ``build``."""
    checkpoint = open_checkpoint(source, revision)
    return build(checkpoint, profile=profile, device=device, speak=speak, caches=caches)


@torch.no_grad()
def build(
    checkpoint: Checkpoint,
    *,
    profile: Profile = PARITY,
    device: torch.device | str = "cpu",
    use_meta_device: bool = True,
    speak: bool = True,
    speech: SpeechConfig | None = None,
    caches: Sequence[Path] = (),
) -> VoiceChat:
    """The model of ``checkpoint``, its weights read straight to ``device`` and their dtypes.

    Args:
        checkpoint: accounted for; its values are checked as they are read.
        profile: dtypes. Its switches hold for steps and are the caller's (``precision``).
        device: of weights and states.
        use_meta_device: make the modules without memory. Otherwise they first get random values
            on the CPU from torch's global generator, which are then thrown away; the result is the
            same, and a module that must be made with values can be tried so.
        speak: False leaves the speaking half out: text alone.
        speech: the checkpoint's own with another guidance, nucleus, noise or speaker.
        caches: folders for the table of subwords, if the checkpoint's own takes no file; the user's
            cache comes last.
    """
    with torch.device("meta") if use_meta_device else nullcontext():
        model = assemble(checkpoint.config, checkpoint.llm, checkpoint.tokenizer)
        wanted = (speech or checkpoint.config.speech) if speak else None
        parts = None if wanted is None else speaking_parts(wanted, ids=model.ids)
    model.perception.load(checkpoint.perception(device=device))
    model.llm.thinker.load(checkpoint.thinker(device=device, dtype=profile.thinker))
    if model.rnnt is not None:
        model.rnnt.load(checkpoint.rnnt(device=device))
        kinds = PieceKinds.of(model.rnnt.config.pieces, device=device)
        model = replace(model, kinds=kinds)
    if parts is None:
        return model
    check_speech(checkpoint)
    words = _subwords(checkpoint, device=device, caches=caches)
    return replace(model, speech=_speech(checkpoint, parts, words, profile=profile, device=device))


def assemble(config: VoiceChatConfig, llm: NemotronHConfig, tokenizer: Tokenizer) -> VoiceChat:
    """The parts without weights of use, on torch's default device."""
    ids = special_tokens(tokenizer, config.thinker)
    rnnt = kinds = None
    if config.rnnt is not None:
        rnnt = Rnnt(config.rnnt, width=config.encoder.width)
        kinds = PieceKinds.of(config.rnnt.pieces)
    thinker = Thinker(config.thinker, llm, special=ids)
    return VoiceChat(config, tokenizer, ids, Perception(config), rnnt, DuplexLLM(thinker), kinds)


class SpeakingParts(NamedTuple):
    """Without weights of use."""

    talker: Talker
    decoder: CodecDecoder


def speaking_parts(config: SpeechConfig, *, ids: SpecialTokens) -> SpeakingParts:
    """On torch's default device."""
    return SpeakingParts(Talker(config, special=ids), CodecDecoder(config.codec))


def _speech(
    checkpoint: Checkpoint,
    parts: SpeakingParts,
    words: SubwordTable,
    *,
    profile: Profile,
    device: torch.device | str,
) -> Speech:
    talker, decoder = parts
    decoder.load(checkpoint.codec(BOOKS, DECODER, device=device))
    silence = checkpoint.silence(device=device)
    if silence is None:
        encoder = CodecEncoder(decoder.config)
        encoder.load(checkpoint.codec(ENCODER, device=device))
        silence = silence_codes(encoder, decoder.books)
    weights = checkpoint.talker(device=device)
    rest = {name: weights[name] for name in weights if not name.startswith(SPELLING)}
    talker.load(rest, words=words, silence=silence.to(torch.int64))
    talker.fusion.books = decoder.books  # they are equal, and large: see speechcheck
    latents = dict(checkpoint.latents(device=device))
    return Speech(talker.config, talker, decoder, latents, memory=profile.memory)


def _subwords(
    checkpoint: Checkpoint, *, device: torch.device | str, caches: Sequence[Path]
) -> SubwordTable:
    """From a file beside the weights or in ``caches``, or computed and kept there."""
    assert checkpoint.config.speech is not None
    with torch.device("meta"):
        encoder = SpellingEncoder(
            checkpoint.config.speech.spelling, vocabulary=checkpoint.llm.vocab_size
        )
    encoder.load(checkpoint.section(f"{TTS}{SPELLING}", device=device))
    return table_of(
        encoder,
        checkpoint.tokenizer,
        special_tokens(checkpoint.tokenizer, checkpoint.config.thinker),
        folders=(checkpoint.folder.path, *caches, USER_CACHE),
        where=str(checkpoint.folder.llm / TOKENIZER),
    )

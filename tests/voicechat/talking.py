"""A talker of a golden case, without the encoder of its words, which has tests of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.voicechat_model import sizes
from bot.voicechat.fusion import Fusion
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.speechlayout import SILENCE, TTS, VOICES
from bot.voicechat.subwords import SubwordTable
from bot.voicechat.talker import Talker, TalkerState
from bot.voicechat.voices import Voice, recorded, registered

SPELLING = "embed_subword."
LIMIT = 2e-4


def _released() -> SpeechConfig:
    config, _ = sizes(full=True)
    assert config.speech is not None
    return config.speech


RELEASED = _released()
"""The sizes of the released checkpoint."""


def speech_of(case: Any, **changes: Any) -> SpeechConfig:
    config = case.config.speech
    assert isinstance(config, SpeechConfig)
    return replace(config, **changes)


def words_of(case: Any) -> SubwordTable:
    """Of the recorded rows, and the checkpoint's flags."""
    own = case.section(TTS + SPELLING)
    going_on = own["subword_flag_emb.cont_emb.weight"]
    special = own["bos_eos_emb.special_emb.weight"]
    kinds = own["subword_flag_emb.is_continuation"][:-1] * 3 + own["bos_eos_emb.special_flags"]
    return SubwordTable(
        rows=case.golden("eartts")["embed_subword.all_vocab"][0],
        flags=(going_on[:, None] + special[None]).flatten(0, 1),
        kinds=kinds,
    )


def weights_of(case: Any) -> dict[str, Tensor]:
    everything = case.section(TTS)
    return {name: one for name, one in everything.items() if not name.startswith(SPELLING)}


def talker_of(case: Any, **changes: Any) -> Talker:
    """``changes`` are of the configuration."""
    with torch.device("meta"):
        talker = Talker(speech_of(case, **changes))
    talker.load(weights_of(case), words=words_of(case), silence=case.weights[SILENCE])
    return talker


def voice_of(case: Any, fusion: Fusion) -> Voice:
    """The case's speaker: by name, or by the recorded codes of the sound."""
    latents = case.section(VOICES)
    if latents:
        return registered(fusion, latents, next(iter(latents)))
    return recorded(fusion, case.golden("eartts")["init.code"][0].long(), "recorded")


def begun(case: Any, talker: Talker, *, rows: int, length: int) -> TalkerState:
    """All rows right before their first frame."""
    state = talker.new_state(rows, length)
    prepared = talker.prepared(voice_of(case, talker.fusion))
    for row in range(rows):
        talker.start(state, row, prepared)
    return state


def draws(talker: Talker, *, frames: int, seed: int) -> tuple[Tensor, Tensor]:
    """Uniforms [frames, passes, components] and normals [frames, passes, latent] of one row."""
    generator = torch.Generator().manual_seed(seed)
    config, lead = talker.config, (frames, talker.passes)
    uniform = torch.rand(*lead, config.mixture.components, generator=generator)
    return uniform, torch.randn(*lead, config.codec.latent, generator=generator)

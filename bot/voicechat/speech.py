"""The mouth as one: the agent's text token in, 80 ms of sound out, for rows of any age.

    token ── Talker ── codes ──┬─ CodecDecoder ── pcm
               ▲               │
               └── one frame ──┘

Only the token comes from the mind, and nothing goes back to it. A row steps in every frame of its
call, whoever is speaking: what it has still to say is in the talker's memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from bot.voicechat.codec import CodecDecoder, CodecState, muted
from bot.voicechat.draws import RowGenerators, derived_seed
from bot.voicechat.rows import copy_row
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.talker import Talker, TalkerState
from bot.voicechat.voices import UnknownVoice, registered

NOISE = 1
"""Of a call's generators that of sound; that of tokens has the call's own seed."""


@dataclass(frozen=True, slots=True)
class SpeechState:
    """A state in the sense of ``rows``."""

    talker: TalkerState
    codec: CodecState
    noise: RowGenerators


class Spoken(NamedTuple):
    """Of a frame: ``codes`` int64 [rows, codebooks] as the talker chose them, and what is heard of
    them, ``pcm`` float32 [rows, 1764] at 22 050 Hz in [-1, 1], 8 samples late; 0 in rows that did
    not step."""

    codes: Tensor
    pcm: Tensor


@dataclass(frozen=True, slots=True)
class Speech:
    """The parts, loaded (``build``). ``latents`` are the registered speakers, by name."""

    config: SpeechConfig
    talker: Talker
    decoder: CodecDecoder
    latents: Mapping[str, Tensor]
    memory: torch.dtype | None = None
    """Of the talker's keys and values: its weights' own if None."""
    _prepared: dict[str, TalkerState] = field(default_factory=dict, repr=False)

    def prepared(self, name: str | None = None) -> TalkerState:
        """A voice's prompt, taken once: one row, for ``begin``. ``None`` is the config's speaker.

        Raises ``UnknownVoice`` with the names that there are.
        """
        wanted = name or self.config.speaker or next(iter(self.latents), None)
        if wanted is None:
            raise UnknownVoice(name="", known=())
        if wanted not in self._prepared:
            voice = registered(self.talker.fusion, self.latents, wanted)
            self._prepared[wanted] = self.talker.prepared(voice, dtype=self.memory)
        return self._prepared[wanted]

    @torch.no_grad()
    def new_state(self, rows: int, frames: int) -> SpeechState:
        """Rows without a voice, of at most so many frames after its prompt."""
        length = self.config.prompt_frames + frames
        talker = self.talker.new_state(rows, length, dtype=self.memory)
        return SpeechState(
            talker=talker,
            codec=self.decoder.new_state(rows),
            noise=RowGenerators.new(rows, device=talker.codes.device),
        )

    @torch.no_grad()
    def begin(self, state: SpeechState, row: int, voice: TalkerState, *, seed: int) -> None:
        """Give ``row`` to a new call with the voice of ``prepared``. Not for inside a step."""
        self.talker.start(state.talker, row, voice)
        copy_row(self.decoder.new_state(1), 0, state.codec, row)
        state.noise.seed_row(row, derived_seed(seed, NOISE))

    @torch.no_grad()
    def choose(
        self, state: SpeechState, tokens: Tensor, mask: Tensor, *, span: int | None = None
    ) -> Tensor:
        """The codes of a frame, int64 [rows, codebooks]: see ``Talker.step``."""
        mask = state.talker.backbone.going(mask)
        mixture, latent = self.config.mixture, self.config.codec.latent
        uniform, normal = state.noise.noise_(
            mask, passes=self.talker.passes, components=mixture.components, latent=latent
        )
        return self.talker.step(
            state.talker, tokens, mask, uniform=uniform, normal=normal, span=span
        )

    @torch.no_grad()
    def sound(
        self, state: SpeechState, codes: Tensor, mask: Tensor, *, mute: Tensor | None = None
    ) -> Tensor:
        """Codes of ``choose`` as float32 [rows, 1764]; silence in the rows of ``mute`` (bool).

        A mute is the host's, for the caller's ears alone: what the talker remembers is what it
        would have said. In exact float32 products, please: see ``codec``.
        """
        frame = codes[:, None]
        if mute is not None:
            frame = muted(frame, self.talker.fusion.silence, mute)
        return self.decoder.step(state.codec, frame, mask)

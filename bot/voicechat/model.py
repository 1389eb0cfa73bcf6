"""A checkpoint as one: 80 ms of sound in, a token per channel and 80 ms of sound out.

The path of one frame, for all rows at once, and it goes one way:

    pcm ─ Perception ─┬─ encoder's row ─ Rnnt ── pieces ── Heard ──┐
                      └─ projected row ─ DuplexLLM ─ Sampler ─ TurnTaker ─ text, function, ASR token
                                                                            │
                                              pcm ─ CodecDecoder ─ Talker ──┘

The model has no state: calls are in ``CallState``, one row each (see ``rows``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer
from torch import Tensor

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.duplex import Dictated, DuplexLLM, DuplexState, Frame
from bot.voicechat.perception import Perception, PerceptionState
from bot.voicechat.rnnt import Rnnt, RnntState, Symbols
from bot.voicechat.rows import copy_row
from bot.voicechat.sampling import Sampler
from bot.voicechat.special import SpecialTokens
from bot.voicechat.speech import Speech, SpeechState
from bot.voicechat.talker import TalkerState
from bot.voicechat.turnpolicy import TurnPolicy
from bot.voicechat.turntaker import TurnTaker
from bot.voicechat.turntaking import Heard, PieceKinds


@dataclass(frozen=True, slots=True)
class CallState:
    """All that a call needs, in each of so many rows.

    ``words`` is None without an RNN-T, ``speech`` if nothing is said aloud.
    """

    hearing: PerceptionState
    words: RnntState | None
    thinking: DuplexState
    sampler: Sampler
    turns: TurnTaker
    speech: SpeechState | None


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How a call begins. Ranges are those of ``SamplingOptions.set_row``; greedy unless said."""

    prompt: tuple[int, ...] = ()
    """Positions before the first frame: see ``VoiceChat.prompt_ids``."""
    greedy: bool = True
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.0
    seed: int = 0
    turns: TurnPolicy | None = None
    """What the checkpoint's config says, if None."""
    voice: str | None = None
    """Of the checkpoint's voices; the config's speaker, if None."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call right before its first frame, to begin with as often as wanted: one row of ``state``,
    which has no speech, and one of the voice's prompt (None if nothing is said aloud)."""

    state: CallState
    voice: TalkerState | None
    seed: int


@dataclass(frozen=True, slots=True)
class Step:
    """A frame of all rows, with what the model had in mind; see ``Frame`` and ``Symbols``.

    ``encoded`` float32 [rows, width] is the encoder's row. ``words`` is None without an RNN-T,
    ``codes`` (int64 [rows, codebooks]) if nothing is said aloud.
    """

    frame: Frame
    words: Symbols | None
    encoded: Tensor
    codes: Tensor | None


@dataclass(frozen=True, slots=True)
class VoiceChat:
    """The parts, loaded (``build``); ``ids`` are those of ``tokenizer``."""

    config: VoiceChatConfig
    tokenizer: Tokenizer
    ids: SpecialTokens
    perception: Perception
    rnnt: Rnnt | None
    llm: DuplexLLM
    kinds: PieceKinds | None
    """Of the RNN-T's pieces."""
    speech: Speech | None = None

    @property
    def device(self) -> torch.device:
        """Of all parts and states."""
        return self.llm.thinker.device

    def prompt_ids(self, text: str) -> tuple[int, ...]:
        """A system prompt as positions: BOS, its tokens, EOS (NeMo); of a blank one, none."""
        if not text.strip():
            return ()
        tokens = self.tokenizer.encode(text, add_special_tokens=False).ids
        return (self.ids.bos, *tokens, self.ids.eos)

    @torch.no_grad()
    def new_state(self, rows: int, length: int) -> CallState:
        """Fresh rows of at most ``length`` frames, the prompt's positions included."""
        vocabulary = self.llm.thinker.lm_head.out_features
        return CallState(
            hearing=self.perception.new_state(rows),
            words=None if self.rnnt is None else self.rnnt.new_state(rows),
            thinking=self.llm.new_state(rows, length),
            sampler=Sampler.new(
                rows, vocabulary=vocabulary, specials=self.ids.greedy_only, device=self.device
            ),
            turns=TurnTaker.new(rows, ids=self.ids, device=self.device),
            speech=None if self.speech is None else self.speech.new_state(rows, length),
        )

    def prepared(self, options: CallOptions, length: int) -> Prepared:
        """For ``begin`` in rows of ``length``.

        Raises ``OptionError``, ``UnknownVoice`` and, if the prompt does not fit, ``ContextFull``.
        """
        voice = None if self.speech is None else self.speech.prepared(options.voice)
        state = replace(self, speech=None).new_state(1, length)
        state.sampler.options.set_row(
            0,
            top_p=options.top_p,
            temperature=options.temperature,
            repetition_penalty=options.repetition_penalty,
            greedy=options.greedy,
        )
        state.sampler.generators.seed_row(0, options.seed)
        turns = options.turns or TurnPolicy.of_checkpoint(self.config.thinker.forced_turns)
        state.turns.options.set_row(0, turns)
        self.llm.prefill(state.thinking, 0, options.prompt)
        state.turns.state.start_row(0, prompt=len(options.prompt))
        return Prepared(state, voice, options.seed)

    def begin(self, state: CallState, row: int, prepared: Prepared) -> None:
        """Give ``row`` to a new call, whatever was in it. Not for inside a step."""
        copy_row(prepared.state, 0, replace(state, speech=None), row)
        if self.speech is not None and state.speech is not None and prepared.voice is not None:
            self.speech.begin(state.speech, row, prepared.voice, seed=prepared.seed)

    def start(self, state: CallState, row: int, options: CallOptions) -> None:
        """``begin`` with a call ``prepared`` for this. Raises what that does, and then the row is
        as it was."""
        self.begin(state, row, self.prepared(options, state.thinking.thinker.length))

    @torch.no_grad()
    def step(
        self,
        state: CallState,
        pcm: Tensor,
        mask: Tensor,
        *,
        samples: Tensor | None = None,
        dictated: Dictated | None = None,
        span: int | None = None,
    ) -> Step:
        """The next frame of the rows of ``mask`` (bool [rows]) that have room, up to its codes.

        Args:
            state: advanced in those rows; of all others not a bit changes.
            pcm: float32 [rows, 1280] in [-1, 1] at 16 kHz, the packets of the frame (see ``mel``).
            mask: who steps.
            samples: int64 [rows], how many of the 1280 came before the input's end; all, if None.
            dictated: tokens that the host puts in the place of the model's.
            span: how much of its memory the talker reads: see ``Backbone.step``.
        """
        mask = state.thinking.thinker.going(mask)
        encoded, audio = self.perception.step(state.hearing, pcm, mask, samples)
        words, heard = None, None
        if self.rnnt is not None and state.words is not None and self.kinds is not None:
            words = self.rnnt.step(state.words, encoded, mask)
            heard = Heard.of(words.ids, self.kinds)
        frame = self.llm.step(
            state.thinking,
            audio,
            mask,
            choose=state.sampler,
            take_turns=state.turns,
            heard=heard,
            dictated=dictated,
        )
        codes = None
        if self.speech is not None and state.speech is not None:
            codes = self.speech.choose(state.speech, frame.text, mask, span=span)
        return Step(frame=frame, words=words, encoded=encoded, codes=codes)

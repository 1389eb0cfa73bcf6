"""Ears, transcript and mind of a checkpoint as one: 80 ms of sound in, a token per channel out.

The path of one frame, for all rows at once, and it goes one way:

    pcm ─ Perception ─┬─ encoder's row ─ Rnnt ── pieces ── Heard ──┐
                      └─ projected row ─ DuplexLLM ─ Sampler ─ TurnTaker ─ text, function, ASR token

The model has no state: calls are in ``CallState``, one row each (see ``rows``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.duplex import Dictated, DuplexLLM, DuplexState, Frame
from bot.voicechat.graphs import Captured, capture
from bot.voicechat.mel import FRAME
from bot.voicechat.perception import Perception, PerceptionState
from bot.voicechat.rnnt import Rnnt, RnntState, Symbols
from bot.voicechat.rows import copy_row
from bot.voicechat.sampling import Sampler
from bot.voicechat.special import SpecialTokens
from bot.voicechat.turnpolicy import TurnPolicy
from bot.voicechat.turntaker import TurnTaker
from bot.voicechat.turntaking import Heard, PieceKinds


@dataclass(frozen=True, slots=True)
class CallState:
    """All that a call needs, in each of so many rows; ``words`` is None without an RNN-T."""

    hearing: PerceptionState
    words: RnntState | None
    thinking: DuplexState
    sampler: Sampler
    turns: TurnTaker


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


@dataclass(frozen=True, slots=True)
class Step:
    """A frame of all rows, with what the model had in mind; see ``Frame`` and ``Symbols``.

    ``encoded`` float32 [rows, width] is the encoder's row. ``words`` is None without an RNN-T.
    """

    frame: Frame
    words: Symbols | None
    encoded: Tensor


class Said(NamedTuple):
    """Of a frame what the host needs, int64: tokens [rows], the RNN-T's pieces [rows, 10] with
    blanks behind them (None without an RNN-T), and ``turntaking.Forced`` [rows]."""

    text: Tensor
    function: Tensor
    asr: Tensor
    pieces: Tensor | None
    forced: Tensor


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
        )

    def prepared(self, options: CallOptions, length: int) -> CallState:
        """One row right before the first frame of such a call: to be copied, as often as wanted.

        Raises ``OptionError`` and, if the prompt does not fit, ``ContextFull``.
        """
        state = self.new_state(1, length)
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
        return state

    def start(self, state: CallState, row: int, options: CallOptions) -> None:
        """Give ``row`` to a new call, whatever was in it. Not for inside a step.

        Raises what ``prepared`` does, and then the row is as it was.
        """
        copy_row(self.prepared(options, state.thinking.thinker.length), 0, state, row)

    @torch.no_grad()
    def step(
        self,
        state: CallState,
        pcm: Tensor,
        mask: Tensor,
        *,
        samples: Tensor | None = None,
        dictated: Dictated | None = None,
    ) -> Step:
        """The next frame of the rows of ``mask`` (bool [rows]) that have room.

        Args:
            state: advanced in those rows; of all others not a bit changes.
            pcm: float32 [rows, 1280] in [-1, 1] at 16 kHz, the packets of the frame (see ``mel``).
            mask: who steps.
            samples: int64 [rows], how many of the 1280 came before the input's end; all, if None.
            dictated: tokens that the host puts in the place of the model's.
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
        return Step(frame=frame, words=words, encoded=encoded)

    def stepper(self, state: CallState, *, graphs: bool = False) -> Captured:
        """A frame as a function of tensors alone, as a CUDA graph if ``graphs`` (see ``capture``).

        It takes pcm, mask, samples (as ``step``) and the two channels of ``Dictated``, and returns
        ``Said``. On a CPU there are no graphs, and ``graphs`` changes nothing.
        """
        rows, device = len(state.turns.forced), self.device

        def step(
            pcm: Tensor, mask: Tensor, samples: Tensor, text: Tensor, function: Tensor
        ) -> Said:
            dictated = Dictated(text=text, function=function)
            done = self.step(state, pcm, mask, samples=samples, dictated=dictated)
            frame, words = done.frame, done.words
            pieces = None if words is None else words.ids
            forced = state.turns.forced.clone()  # what is handed out is the caller's own
            return Said(frame.text, frame.function, frame.asr, pieces, forced)

        nobody = torch.zeros(rows, dtype=torch.bool, device=device)
        whole = torch.full((rows,), FRAME, dtype=torch.int64, device=device)
        silence = torch.zeros(rows, FRAME, device=device)
        nothing = Dictated.nothing(rows, device=device)
        examples = (silence, nobody, whole, nothing.text, nothing.function)
        return capture(step, examples) if graphs else Captured(step, examples)

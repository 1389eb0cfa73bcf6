"""The frame loop of listening and speaking at once: a row of sound in, a token per channel out.

Every 80 ms the model takes what it hears together with what it decided one frame before (NeMo's
DuplexSTTModel, streaming). Nothing is evaluated and nothing ends: one frame in, one frame out, for
as many turns as there are. What comes before (perception) and after (speech) is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bot.voicechat.hybridcache import ThinkerState, put_
from bot.voicechat.thinker import Logits, Thinker
from bot.voicechat.turntaking import Heard


@dataclass(frozen=True, slots=True)
class DuplexState:
    """``text``, ``asr`` and ``function`` [rows, length] int64: the token of every frame so far,
    PAD for the prompt and for what is to come. A row's next frame is ``thinker.position``."""

    thinker: ThinkerState
    text: Tensor
    asr: Tensor
    function: Tensor


@dataclass(frozen=True, slots=True)
class Frame:
    """What one frame brought, by row; rows that took none have PAD and floats without meaning.

    Tokens are int64 [rows], PAD in a channel without a head. ``embeds`` and ``hidden``
    [rows, width] are what the language model read and what it made of it.
    """

    text: Tensor
    asr: Tensor
    function: Tensor
    logits: Logits
    embeds: Tensor
    hidden: Tensor


class Chooser(Protocol):
    """Choose the text token of a frame, int64 [rows], from float32 [rows, vocabulary].

    ``state`` holds the frames before ``t`` (int64 [rows]). Rows out of ``mask`` are thrown away,
    and what the chooser remembers of them must not change.
    """

    def __call__(
        self, logits: Tensor, *, state: DuplexState, t: Tensor, mask: Tensor
    ) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Dictated:
    """Tokens that the host puts in the place of the model's own, by row; -1 leaves those.

    ``text`` and ``function``, int64 [rows]. PAD as the text makes a row silent, as it must be
    while a tool is called; a greeting is BOS and its tokens, frame by frame.
    """

    text: Tensor
    function: Tensor

    @classmethod
    def nothing(cls, rows: int, *, device: torch.device | str | None = None) -> Dictated:
        """In no row."""
        own = torch.full((2, rows), -1, dtype=torch.int64, device=device)
        return cls(text=own[0], function=own[1])


class TurnRule(Protocol):
    """Overwrite the text token of a frame where turns are forced; int64 [rows].

    ``asr`` is the token of the frame's ASR head, ``heard`` what the RNN-T made of it. What a rule
    says of rows that are dictated their text is not heeded, but such a rule may want to know.
    """

    def __call__(
        self,
        text: Tensor,
        *,
        asr: Tensor,
        heard: Heard | None,
        dictated: Dictated | None,
        mask: Tensor,
    ) -> Tensor: ...


def greedy(logits: Tensor, *, state: DuplexState, t: Tensor, mask: Tensor) -> Tensor:
    """The likeliest token: a ``Chooser``."""
    return logits.argmax(-1)


def native_turns(
    text: Tensor, *, asr: Tensor, heard: Heard | None, dictated: Dictated | None, mask: Tensor
) -> Tensor:
    """The model's own turns: a ``TurnRule``."""
    return text


class DuplexLLM:
    """A thinker with its token histories."""

    def __init__(self, thinker: Thinker) -> None:
        """``thinker`` is loaded before the first step."""
        self.thinker = thinker

    @torch.no_grad()
    def new_state(self, rows: int, length: int) -> DuplexState:
        """Fresh rows of at most ``length`` frames, the prompt's positions included.

        A row that is full takes no more frames and says PAD: it is for the host, which knows how
        many frames it has given, to start the row afresh before that (NeMo stops at 8192).
        """

        def history() -> Tensor:
            shape, pad = (rows, length), self.thinker.special.pad
            return torch.full(shape, pad, dtype=torch.int64, device=self.thinker.device)

        return DuplexState(
            thinker=self.thinker.new_state(rows, length),
            text=history(),
            asr=history(),
            function=history(),
        )

    def prefill(self, state: DuplexState, row: int, prompt_ids: Sequence[int]) -> None:
        """Take a system prompt into a fresh row: see ``Thinker.prefill``. It counts as frames."""
        self.thinker.prefill(state.thinker, row, prompt_ids)

    @torch.no_grad()
    def step(
        self,
        state: DuplexState,
        audio: Tensor,
        mask: Tensor,
        *,
        choose: Chooser = greedy,
        take_turns: TurnRule = native_turns,
        heard: Heard | None = None,
        dictated: Dictated | None = None,
    ) -> Frame:
        """One frame for the rows of ``mask`` (bool [rows]) that have room.

        Args:
            state: changed in place, only in those rows.
            audio: [rows, width], perception's rows; of other rows they are not looked at.
            mask: which rows take a frame.
            choose: from the text logits; the other channels are greedy, as in NeMo.
            take_turns: the last word on the text token, unless that is dictated.
            heard: for ``take_turns``.
            dictated: what the host says instead.
        """
        mask = state.thinker.going(mask)
        t = state.thinker.position.clone()
        embeds = self.thinker.build_input_embedding(
            audio, text=_before(state.text, t), asr=_before(state.asr, t),
            function=_before(state.function, t),
        )  # fmt: skip
        hidden = self.thinker.step(state.thinker, embeds, mask)
        logits = self.thinker.logits(hidden)
        text = choose(logits.text, state=state, t=t, mask=mask)
        asr, function = self._greedy(logits.asr, mask), self._greedy(logits.function, mask)
        text = take_turns(text, asr=asr, heard=heard, dictated=dictated, mask=mask)
        text = torch.where(mask, text, self.thinker.special.pad)
        if dictated is not None:
            text = torch.where(mask & (dictated.text >= 0), dictated.text, text)
            function = torch.where(mask & (dictated.function >= 0), dictated.function, function)
        for history, tokens in ((state.text, text), (state.asr, asr), (state.function, function)):
            put_(history, tokens[:, None], position=t, mask=mask, dim=1)
        return Frame(
            text=text, asr=asr, function=function, logits=logits, embeds=embeds, hidden=hidden
        )

    def _greedy(self, logits: Tensor | None, mask: Tensor) -> Tensor:
        """The likeliest token where ``mask``, else PAD; PAD everywhere without a head."""
        pad = self.thinker.special.pad
        if logits is None:
            return torch.full(mask.shape, pad, dtype=torch.int64, device=mask.device)
        return torch.where(mask, logits.argmax(-1), pad)


def _before(history: Tensor, t: Tensor) -> Tensor:
    """Tokens of the frame before ``t``; at the first frame nothing is written yet, and it is PAD.

    So too behind a prompt, whose positions hold PAD.
    """
    return history.gather(1, (t - 1).clamp(min=0)[:, None])[:, 0]

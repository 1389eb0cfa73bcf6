"""A frame as a function of tensors alone, as CUDA graphs or not: what an engine calls."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor

from bot.voicechat.codec import exact
from bot.voicechat.duplex import Dictated
from bot.voicechat.graphs import Captured, capture
from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallState, VoiceChat
from bot.voicechat.precision import precision


class Said(NamedTuple):
    """Of a frame what the host needs.

    Int64: tokens [rows], the RNN-T's pieces [rows, 10] with blanks behind them (None without an
    RNN-T), and ``turntaking.Forced`` [rows]. ``pcm`` float32 [rows, 1764] in [-1, 1] at 22 050 Hz,
    8 samples late, 0 in rows that did not step; None if nothing is said aloud.
    """

    text: Tensor
    function: Tensor
    asr: Tensor
    pieces: Tensor | None
    forced: Tensor
    pcm: Tensor | None


class Inputs(NamedTuple):
    """Of a frame, all rows: ``VoiceChat.step`` says what ``pcm``, ``mask`` and ``samples`` are.

    ``text`` and ``function`` are those of ``Dictated``; ``mute`` bool [rows]: the caller hears
    silence, whatever the agent says.
    """

    pcm: Tensor
    mask: Tensor
    samples: Tensor
    text: Tensor
    function: Tensor
    mute: Tensor

    @classmethod
    def nobody(cls, rows: int, *, device: torch.device | str | None = None) -> Inputs:
        """In which no row steps, nothing is dictated and nothing muted; a frame's packets are
        whole. To be changed in place."""
        nobody = torch.zeros(2, rows, dtype=torch.bool, device=device)
        own = Dictated.nothing(rows, device=device)
        return cls(
            pcm=torch.zeros(rows, FRAME, device=device),
            mask=nobody[0],
            samples=torch.full((rows,), FRAME, dtype=torch.int64, device=device),
            text=own.text,
            function=own.function,
            mute=nobody[1],
        )


class Stepper:
    """Steps one state of a model, and says what the host needs; what it returns stays as it is.

    As CUDA graphs there are two of them, for a graph keeps the precision it was captured in: up to
    the codes that of whoever makes the stepper, from codes to sound exact float32. ``span`` is
    ``VoiceChat.step``'s, and for good: an engine has a stepper for each of a few.
    """

    def __init__(
        self, model: VoiceChat, state: CallState, *, graphs: bool = False, span: int | None = None
    ) -> None:
        """``graphs`` changes nothing on a CPU. No row of ``state`` is changed by capturing."""
        self._model, self._state, self._span = model, state, span
        rows = len(state.turns.forced)
        example = Inputs.nobody(rows, device=model.device)
        make = capture if graphs else Captured
        self._think = make(self._thought, example[:-1])
        self._sound: Captured | None = None
        if model.speech is not None:
            books = model.speech.config.codec.codebooks
            codes = torch.zeros(rows, books, dtype=torch.int64, device=model.device)
            with _exact():
                self._sound = make(self._sounded, (codes, example.mask, example.mute))

    def __call__(self, inputs: Inputs) -> Said:
        """One frame. Raises ``NotAsCaptured`` for tensors of another shape, dtype or device."""
        said, codes = self._think(*inputs[:-1])
        if self._sound is None:
            return said
        if self._sound.graph is not None:
            return said._replace(pcm=self._sound(codes, inputs.mask, inputs.mute))
        with _exact():
            return said._replace(pcm=self._sound(codes, inputs.mask, inputs.mute))

    def _thought(
        self, pcm: Tensor, mask: Tensor, samples: Tensor, text: Tensor, function: Tensor
    ) -> tuple[Said, Tensor | None]:
        """All but the sound, and the codes of that."""
        dictated = Dictated(text=text, function=function)
        done = self._model.step(
            self._state, pcm, mask, samples=samples, dictated=dictated, span=self._span
        )
        frame, pieces = done.frame, None if done.words is None else done.words.ids
        forced = self._state.turns.forced.clone()  # what is handed out is the caller's own
        said = Said(frame.text, frame.function, frame.asr, pieces, forced, pcm=None)
        return said, done.codes

    def _sounded(self, codes: Tensor, mask: Tensor, mute: Tensor) -> Tensor:
        speech, state = self._model.speech, self._state.speech
        assert speech is not None
        assert state is not None
        return speech.sound(state, codes, mask, mute=mute)


def _exact() -> AbstractContextManager[None]:
    """Exact float32 products, and all else as it is: see ``codec``."""
    fixed = torch.are_deterministic_algorithms_enabled()
    return precision(**exact({"deterministic": fixed}))

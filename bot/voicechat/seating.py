"""Rows on the host's side: frames of numpy in and out, one trip to the device and back per step.

A pipeline and an engine have in common that they lease rows to streams, that any of the rows may
be due, and that they want plain numbers back. That is here, and nothing of who the streams are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bot.voicechat.mel import FRAME
from bot.voicechat.model import Prepared, VoiceChat
from bot.voicechat.stepping import Inputs, Said, Stepper

Floats = npt.NDArray[np.float32]

OWN = -1
"""The model's own token, and not one that is dictated."""


@dataclass(frozen=True, slots=True)
class FrameIn:
    """What a row is given for a frame.

    ``pcm`` float32 [1280] in [-1, 1] at 16 kHz, the packet of the frame (see ``mel``), of which
    ``samples`` precede the input's end. ``text`` and ``function`` are dictated unless ``OWN``.
    """

    pcm: Floats
    samples: int = FRAME
    text: int = OWN
    function: int = OWN
    mute: bool = False


@dataclass(frozen=True, slots=True)
class FrameOut:
    """What a row has said in a frame.

    ``pieces`` are the RNN-T's ids, without blanks. ``forced`` is a ``turntaking.Forced``. ``pcm``
    float32 [1764] at 22 050 Hz in [-1, 1]; None if nothing is said aloud.
    """

    text: int
    function: int
    asr: int
    pieces: tuple[int, ...]
    forced: int
    pcm: Floats | None


class Seats:
    """A state of ``rows`` calls, each of at most ``length`` frames with its prompt.

    ``spans`` are bounds below ``length``: while no row that steps is past one, the talker reads no
    further than that. As graphs each is captured, and takes memory of its own.
    """

    def __init__(
        self,
        model: VoiceChat,
        *,
        rows: int,
        length: int,
        graphs: bool = False,
        spans: Sequence[int] = (),
    ) -> None:
        self.model, self.rows, self.length = model, rows, length
        self.state = model.new_state(rows, length)
        self._voice = 0 if model.speech is None else model.speech.config.prompt_frames
        self._bounds = [*sorted(span for span in spans if span < length), length]
        self._steppers = [
            Stepper(model, self.state, graphs=graphs, span=self._voice + bound)
            for bound in self._bounds
        ]
        self._blank = model.rnnt.config.blank if model.rnnt is not None else OWN
        self._host = Inputs.nobody(rows)
        self._used = [0] * rows

    def used(self, row: int) -> int:
        """Frames of the row's call so far, its prompt's positions included."""
        return self._used[row]

    def begin(self, row: int, prepared: Prepared) -> None:
        """Give ``row`` to a new call, whatever was in it; see ``VoiceChat.prepared``."""
        self.model.begin(self.state, row, prepared)
        self._used[row] = int(prepared.state.thinking.thinker.position[0])

    def step(self, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        """One frame for each row that is given one; no other row changes.

        Raises ``ValueError`` for a row that is full: ``used`` tells before.
        """
        if full := [row for row in frames if self._used[row] >= self.length]:
            raise ValueError(f"row {full[0]} is full: {self.length} frames are used")
        self._fill(frames)
        bound = max((self._used[row] + 1 for row in frames), default=1)
        stepper = next(s for s, b in zip(self._steppers, self._bounds, strict=True) if bound <= b)
        device = self.model.device
        said = stepper(Inputs(*(one.to(device, non_blocking=True) for one in self._host)))
        for row in frames:
            self._used[row] += 1
        return self._told(said, frames)

    def _fill(self, frames: Mapping[int, FrameIn]) -> None:
        host = self._host
        for tensor, rest in zip(host, (0, False, FRAME, OWN, OWN, False), strict=True):
            tensor.fill_(rest)
        for row, frame in frames.items():
            host.pcm[row] = torch.from_numpy(frame.pcm)
            host.mask[row] = True
            host.samples[row] = frame.samples
            host.text[row] = frame.text
            host.function[row] = frame.function
            host.mute[row] = frame.mute

    def _told(self, said: Said, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        """All numbers come in one tensor, all sound in another: each trip would wait."""
        tokens: list[Tensor] = [said.text, said.function, said.asr, said.forced]
        columns = [one[:, None] for one in tokens]
        columns += [] if said.pieces is None else [said.pieces]
        numbers = torch.cat(columns, 1).cpu().tolist()
        sound = None if said.pcm is None else said.pcm.cpu().numpy()
        found = {}
        for row in frames:
            text, function, asr, forced, *pieces = numbers[row]
            found[row] = FrameOut(
                text=text,
                function=function,
                asr=asr,
                pieces=tuple(piece for piece in pieces if piece != self._blank),
                forced=forced,
                pcm=None if sound is None else sound[row].copy(),
            )
        return found

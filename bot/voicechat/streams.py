"""Sound on its way in: frames of streams, whole inputs as streams, packets of streams.

A *frame* here is a piece of one stream's sound as its sender cut it (NeMo's ``Frame``), of any
number of 80 ms. The model's own frames are of 80 ms each; what each of those reads is its *packet*,
see ``mel``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import isfinite
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot.errors import BotError
from bot.voicechat.config import SAMPLE_RATE
from bot.voicechat.mel import FRAME, LEAD, frames_of
from bot.voicechat.options import OptionError
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.seating import FrameIn

Floats = npt.NDArray[np.float32]

TOLERANCE = 1e-6
"""Of a chunk, in frames: seconds such as 0.24 are no exact multiple of 0.08."""

_EMPTY: Floats = np.zeros(0, np.float32)


class StreamError(BotError):
    """``why`` stream ``stream_id`` was refused or has ended early; of no concern to others."""

    def __init__(self, *, stream_id: int, why: str) -> None:
        self.stream_id, self.why = stream_id, why
        super().__init__(f"stream {stream_id}: {why}")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Some sound of a stream: ``samples`` float32 [n] in [-1, 1] at 16 kHz.

    Raises ``OptionError`` for samples of another kind or not finite, and for options with any but
    the first frame.
    """

    samples: Floats
    stream_id: int
    is_first: bool = False
    is_last: bool = False
    options: S2SRequestOptions | None = None

    def __post_init__(self) -> None:
        if self.options is not None and not self.is_first:
            wanted = "for any but a stream's first frame"
            raise OptionError(name="options", value=self.options, wanted=wanted)
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            found = f"{self.samples.dtype} {[*self.samples.shape]}"
            raise OptionError(name="samples", value=found, wanted="float32 [n]")
        if not np.isfinite(self.samples).all():
            raise OptionError(name="samples", value="sound with NaN or infinity", wanted="finite")

    @property
    def length(self) -> int:
        """In samples."""
        return len(self.samples)


class Stream(Protocol):
    """What ``StreamingS2SPipeline.run`` takes. Iterated once, when there is a slot; what it raises
    then (``OSError``, ``ValueError``, errors of Parley's) ends it alone."""

    @property
    def stream_id(self) -> int:
        """Of all its frames; no two streams that are live have the same."""

    def __iter__(self) -> Iterator[Frame]: ...


def chunk_samples(seconds: float) -> int:
    """A chunk in samples. Raises ``OptionError`` unless it is some whole number of 80 ms."""
    frames = seconds * SAMPLE_RATE / FRAME
    if not isfinite(frames) or round(frames) < 1 or abs(frames - round(frames)) > TOLERANCE:
        raise OptionError(
            name="chunk_size_in_secs", value=seconds, wanted="a multiple of 0.08 above 0"
        )
    return round(frames) * FRAME


@dataclass(frozen=True, slots=True, eq=False)
class MonoStream:
    """A whole input as frames of ``chunk`` samples, the last one of what is left.

    Without any sound there is one frame, empty, first and last. ``options`` go with the first.
    """

    samples: Floats
    stream_id: int
    chunk: int = FRAME
    options: S2SRequestOptions | None = None

    def __iter__(self) -> Iterator[Frame]:
        size = len(self.samples)
        for start in range(0, max(size, 1), self.chunk):
            yield Frame(
                samples=self.samples[start : start + self.chunk],
                stream_id=self.stream_id,
                is_first=start == 0,
                is_last=start + self.chunk >= size,
                options=self.options if start == 0 else None,
            )


@dataclass(frozen=True, slots=True)
class Padding:
    """Silence behind an input, so that the agent has time to answer; at most one of the three.

    Raises ``OptionError``.
    """

    pad_audio_to_sec: float | None = None
    """So long in all, where the input is shorter."""
    pad_silence_ratio: float | None = None
    """So many times the input's own length."""
    pad_audio_by_sec: float | None = None

    def __post_init__(self) -> None:
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        given = {name: value for name, value in given.items() if value is not None}
        for name, value in given.items():
            if not 0 <= value < float("inf"):
                raise OptionError(name=name, value=value, wanted="a finite number of 0 or above")
        if len(given) > 1:
            first, second, *_ = given
            raise OptionError(name=second, value=given[second], wanted=f"for use with {first}")

    def missing(self, size: int) -> int:
        """Samples of silence to put behind ``size`` samples."""
        if self.pad_audio_to_sec is not None:
            return max(0, round(self.pad_audio_to_sec * SAMPLE_RATE) - size)
        if self.pad_silence_ratio is not None:
            return round(self.pad_silence_ratio * size)
        return round((self.pad_audio_by_sec or 0.0) * SAMPLE_RATE)


def padded(samples: Floats, padding: Padding) -> Floats:
    """``samples`` with silence behind them (NeMo's ``SilencePaddedStream``, to the sample)."""
    return np.pad(samples, (0, padding.missing(len(samples))))


class Packets:
    """A stream's sound as packets, each as soon as all of it is in.

    Packet ``k`` ends with sample ``1280 k + 198``: after ``n`` frames of 80 ms there were ``n``
    packets, the last of which was 67.5 ms early. ``flush`` gives the one or two that remain; in
    all, there are ``mel.frames_of`` of them.
    """

    def __init__(self) -> None:
        self._rest = np.zeros(FRAME - LEAD, np.float32)  # from before the call
        self._sound, self._given = 0, 0

    def push(self, samples: Floats) -> list[FrameIn]:
        """What ``samples`` (float32 [n]) complete."""
        self._sound += len(samples)
        self._rest = np.concatenate([self._rest, samples])
        whole = len(self._rest) // FRAME
        found = [FrameIn(pcm=one) for one in self._rest[: whole * FRAME].reshape(whole, FRAME)]
        self._rest = self._rest[whole * FRAME :].copy()
        self._given += whole
        return found

    def flush(self) -> list[FrameIn]:
        """At the end of the stream: the rest, of which ``samples`` are sound."""
        missing, rest, found = frames_of(self._sound) - self._given, self._rest, []
        for _ in range(missing):
            pcm = np.pad(rest, (0, FRAME - len(rest)))
            found.append(FrameIn(pcm=pcm, samples=len(rest)))
            rest = _EMPTY
        self._given, self._rest = self._given + missing, _EMPTY
        return found

    def coming(self, size: int, *, last: bool) -> int:
        """Packets that a push of ``size`` samples would give, and a flush if it is the ``last``."""
        if last:
            return frames_of(self._sound + size) - self._given
        return (len(self._rest) + size) // FRAME

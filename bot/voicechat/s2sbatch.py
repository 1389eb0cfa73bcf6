"""Recordings through the streaming pipeline, and what came out of each into a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from bot.voicechat.config import SAMPLE_RATE
from bot.voicechat.outputs import S2SStreamingOutput
from bot.voicechat.pipeline import StreamingS2SPipeline
from bot.voicechat.s2skeys import ConfigFault
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.s2soutputs import Channel, Mark, OutputFolder, Record
from bot.voicechat.streams import Frame, MonoStream, Padding, StreamError, padded
from bot.voicechat.timestamps import strip_timestamps
from bot.voicechat.wer import word_errors
from media.errors import ParleyError

Floats = npt.NDArray[np.float32]

CPU_FULL = "can't allocate memory"


@dataclass(frozen=True, slots=True)
class Input:
    """Something to run: ``read`` gives float32 ``[n]`` in [-1, 1] at 16 kHz when its turn comes.

    ``where`` is what errors name. ``system_prompt`` is None for the pipeline's own.
    """

    stem: str
    where: str
    read: Callable[[], Floats]
    reference: str = ""
    system_prompt: str | None = None


class Watcher(Protocol):
    """Who is told how far it is."""

    def heard(self, stem: str, samples: int) -> None:
        """So many samples more of ``stem`` were fed, padding included."""

    def ended(self, one: Input, error: Exception | None) -> None:
        """All of it was written; or, with an error, nothing."""


@dataclass(slots=True)
class Tally:
    """Of all that were finished: samples at 16 kHz, padding included, and references with what
    was understood. How many were not."""

    samples: int = 0
    pairs: list[tuple[str, str]] = field(default_factory=list)
    failed: int = 0

    def summary(self, took_s: float) -> list[str]:
        """Lines for people: word error rate if there are references, and the real-time factor."""
        lines = []
        if (errors := word_errors(self.pairs)) is not None:
            of = f"{errors.edits} edits, {errors.words} words, {errors.recordings} recordings"
            lines.append(f"WER {errors.rate:.2%} ({of})")
        sound_s = self.samples / SAMPLE_RATE
        if sound_s and took_s:
            lines.append(f"RTFx {sound_s / took_s:.2f} ({sound_s:.1f} s in {took_s:.1f} s)")
        return lines


def run_batch(
    pipeline: StreamingS2SPipeline,
    inputs: Sequence[Input],
    folder: OutputFolder,
    watcher: Watcher,
    *,
    chunk: int,
    padding: Padding,
    system_prompt: str | None,
) -> Tally:
    """Each as soon as there is a slot; each one's files as soon as it has ended.

    Args:
        pipeline: with its session closed.
        inputs: with stems that ``free_stem`` gave.
        folder: begun.
        watcher: is told as it goes on.
        chunk: samples fed at a time, a multiple of 1280.
        padding: silence behind each.
        system_prompt: the pipeline's own, for the record.

    What is wrong with one recording ends that one alone. Raises ``OSError`` if nothing can be
    written, ``ConfigFault`` if there is too little memory for what is asked.
    """
    tally = Tally()
    streams = [
        _Stream(number, one, watcher, chunk=chunk, padding=padding)
        for number, one in enumerate(inputs)
    ]
    with _memory(pipeline):
        for output in pipeline.run(streams):
            one, heard = inputs[output.stream_id], streams[output.stream_id].take()
            if output.error is None:
                folder.write(record_of(one, output, heard=heard, default_prompt=system_prompt))
                tally.samples += len(heard)
                tally.pairs.append((one.reference, output.asr_text))
            tally.failed += output.error is not None
            watcher.ended(one, output.error)
    return tally


def record_of(
    one: Input, output: S2SStreamingOutput, *, heard: Floats, default_prompt: str | None
) -> Record:
    """What is written of a stream that has ended. Channels are those the checkpoint has."""
    has = output.capabilities
    stamped = output.text_with_timestamps
    agent = Channel(strip_timestamps(stamped), stamped, output.raw_text, _marks(output.timed_text))
    caller = function = None
    if has.has_asr_head or has.has_rnnt:
        text = output.asr_text.strip()
        caller = Channel(text, text, output.raw_asr_text, _marks(output.timed_asr))
    if has.has_function_head:
        text = output.function_text.strip()
        function = Channel(text, text, output.raw_function_text, _marks(output.timed_function))
    return Record(
        stem=one.stem,
        heard=heard,
        said=output.audio if len(output.audio) else None,
        agent=agent,
        caller=caller,
        function=function,
        reference=one.reference,
        system_prompt=(default_prompt if one.system_prompt is None else one.system_prompt) or "",
        capabilities=asdict(has),
    )


class _Stream:
    """A recording as the pipeline takes it: read when its turn comes, kept until it is written."""

    def __init__(
        self,
        stream_id: int,
        given: Input,
        watcher: Watcher,
        *,
        chunk: int,
        padding: Padding,
    ) -> None:
        self.stream_id, self.input = stream_id, given
        self._watcher, self._chunk, self._padding = watcher, chunk, padding
        self._heard: Floats = np.zeros(0, np.float32)

    def __iter__(self) -> Iterator[Frame]:
        self._heard = padded(self.input.read(), self._padding)
        options = S2SRequestOptions(system_prompt=self.input.system_prompt)
        stream = MonoStream(self._heard, self.stream_id, chunk=self._chunk, options=options)
        for frame in stream:
            self._watcher.heard(self.input.stem, frame.length)
            yield frame

    def take(self) -> Floats:
        """What was fed, for the last time."""
        heard, self._heard = self._heard, np.zeros(0, np.float32)
        return heard


def _marks(timed: Sequence[tuple[int, str]]) -> tuple[Mark, ...]:
    return tuple(Mark(frame, token) for frame, token in timed)


@contextmanager
def _memory(pipeline: StreamingS2SPipeline) -> Iterator[None]:
    """Its session is closed at the end, whatever happens; what did not fit is told by the keys."""
    try:
        yield
    except RuntimeError as error:
        # torch has no class for what the CPU lacks.
        if not isinstance(error, torch.OutOfMemoryError) and CPU_FULL not in str(error):
            raise
        settings = pipeline.settings
        raise ConfigFault(
            path="streaming.batch_size",
            what=f"no memory for {settings.batch_size} streams of {settings.length} frames",
            remedy="lower it, or streaming.max_len",
        ) from error
    finally:
        pipeline.close_session()


def told(where: str, error: Exception) -> str:
    """What is wrong with the recording at ``where``, in one line."""
    if isinstance(error, StreamError):
        return f"{where}: {error.why}"
    if isinstance(error, OSError):
        return f"{where}: {error.strerror or error}"
    text = str(error) if isinstance(error, ParleyError) else f"{type(error).__name__}: {error}"
    return text if text.startswith(where) else f"{where}: {text}"

"""Recordings as they come: checked before use, decoded as a stream, one channel, 16 kHz int16."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler

from gateway.errors import InputError
from media.frame import MEDIA_RATE, Pcm
from media.resample import Resampler

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus")
MAGIC = (b"RIFF", b"RF64", b"fLaC", b"OggS")  # FFmpeg alone finds sound in any text
RATES = (8_000, 48_000)
OGG_PAGE = 65_307  # bytes; no page is longer
MAX_MINUTES = "replay.max_minutes"


@dataclass(frozen=True, slots=True)
class Recording:
    """An audio file that can be played: ``channel`` of ``channels`` at ``rate`` hertz.

    ``seconds`` is what the header says, ``None`` where it says nothing.
    """

    path: Path
    rate: int
    channels: int
    channel: int
    seconds: float | None
    codec: str


def probe(
    path: Path, *, caller_channel: int | None, max_minutes: float, limit: str = MAX_MINUTES
) -> Recording:
    """Look at the header. Raises ``InputError`` for anything that cannot be replayed.

    ``limit`` is the key that ``max_minutes`` comes from.
    """
    if not path.exists():
        raise InputError(where=str(path), what="no such file")
    if not path.is_file():
        raise InputError(where=str(path), what="not a file")
    if path.stat().st_size == 0:
        raise InputError(where=str(path), what="the file is empty")
    _check_magic(path)
    _check_riff(path)
    _check_ogg(path)
    try:
        with av.open(str(path)) as container:
            stream = next((s for s in container.streams if s.type == "audio"), None)
            if stream is None:
                raise InputError(where=str(path), what="there is no audio in it")
            context: Any = stream.codec_context
            rate, channels, codec = context.sample_rate, context.layout.nb_channels, context.name
            seconds = container.duration / 1e6 if container.duration else None
    except (av.FFmpegError, ValueError) as error:
        raise _unreadable(path) from error
    channel = _channel(path, channels, caller_channel)
    if not RATES[0] <= rate <= RATES[1]:
        raise InputError(
            where=str(path),
            what=f"sampled at {rate} Hz",
            remedy="recordings of 8 to 48 kHz can be replayed",
        )
    if seconds is not None and seconds > max_minutes * 60:
        raise InputError(
            where=str(path),
            what=f"{_minutes(seconds / 60)} minutes long, more than {_minutes(max_minutes)}",
            remedy=f"raise {limit}",
        )
    return Recording(path, rate, channels, channel, seconds, codec)


def decode(recording: Recording, *, max_minutes: float, limit: str = MAX_MINUTES) -> Iterator[Pcm]:
    """Runs of int16 at 16 kHz, as the file is read. Raises ``InputError`` where it breaks."""
    resampler = Resampler(recording.rate, MEDIA_RATE)
    left = int(max_minutes * 60 * MEDIA_RATE)
    where = str(recording.path)
    try:
        for pcm in _channel_of(recording):
            run = resampler.push(pcm)
            left -= len(run)
            if left < 0:
                raise InputError(
                    where=where,
                    what=f"longer than {_minutes(max_minutes)} minutes",
                    remedy=f"raise {limit}",
                )
            yield run
    except av.FFmpegError as error:
        raise InputError(where=where, what=f"breaks off: {error.strerror}") from error
    yield resampler.flush()


def _channel_of(recording: Recording) -> Iterator[Pcm]:
    with av.open(str(recording.path)) as container:
        to_s16 = AudioResampler(format="s16")
        done = 0
        for frame in container.decode(audio=0):
            if frame.format.name.startswith(("flt", "dbl")):
                _check_numbers(recording, frame.to_ndarray(), done)
            done += frame.samples
            for plain in to_s16.resample(frame):
                packed: Any = plain.to_ndarray()  # int16, as to_s16 made it
                track = packed.reshape(-1, recording.channels)[:, recording.channel]
                yield np.ascontiguousarray(track)
        if done == 0:
            raise InputError(where=str(recording.path), what="there is no sound in it")


def _check_numbers(recording: Recording, samples: Any, done: int) -> None:
    if not np.isfinite(samples).all():
        raise InputError(
            where=str(recording.path),
            what=f"not a number at or after sample {done}",
            remedy="the recording is damaged; export it again",
        )


def _channel(path: Path, channels: int, caller_channel: int | None) -> int:
    if channels == 1:
        return 0
    if channels > 2:
        raise InputError(
            where=str(path), what=f"{channels} channels", remedy="give a mono or stereo recording"
        )
    if caller_channel is None:
        raise InputError(
            where=str(path),
            what="stereo, and nothing says which channel is the caller's",
            remedy="give --caller-channel 0 (left) or 1 (right)",
        )
    return caller_channel


def _minutes(minutes: float) -> str:
    """To the second, about."""
    return f"{round(minutes, 2 if minutes < 10 else 0):g}"


def _unreadable(path: Path) -> InputError:
    what = "not audio that can be read"
    return InputError(where=str(path), what=what, remedy="give WAV, FLAC or Ogg")


def _check_magic(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(4) not in MAGIC:
            raise _unreadable(path)


def _check_riff(path: Path) -> None:
    """A WAV whose header promises more than the file holds was cut off."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", head)
            if name == b"data":
                held = size - file.tell()
                if length == 0 or held <= 0:
                    raise InputError(where=str(path), what="there is no sound in it")
                # 0xFFFFFFFF and 0x7FFFFFFF stand for "until the end" in streamed files.
                if length > held and length < 0x7FFFFFFF:
                    raise InputError(
                        where=str(path),
                        what=f"cut off: the header promises {length} bytes of sound, "
                        f"the file holds {held}",
                        remedy="copy it again, or repair the header",
                    )
                return
            file.seek(length + (length & 1), 1)
    raise InputError(where=str(path), what="cut off before the sound begins")


def _check_ogg(path: Path) -> None:
    """An Ogg file whose last page is not all there was cut off (RFC 3533, section 6)."""
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return
        file.seek(max(0, path.stat().st_size - OGG_PAGE))
        tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    lengths = page[27 : 27 + page[26]] if len(page) > 26 else b""
    if len(page) < 27 or len(page) < 27 + page[26] + sum(lengths):
        raise InputError(where=str(path), what="cut off: its last page is not whole")

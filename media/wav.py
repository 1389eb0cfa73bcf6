"""A WAV file that is valid at every moment, whatever becomes of the process that writes it."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

from media.errors import FormatMismatch
from media.frame import Pcm

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER = _HEADER.size
"""Bytes before the first sample."""
_SIZES = ((4, -8), (HEADER - 4, -HEADER))  # where a size stands, and what it leaves out
_MOST = 2**32 - 1
_SAMPLE = 2  # bytes


class WavWriter:
    """Streams int16 frames to ``path``, which is overwritten; ``rate`` hertz, 1 or 2 channels.

    Frames reach the kernel at every ``write``; the sizes in the header follow at every ``sync``.
    So after ``kill -9`` any reader plays all up to the last ``sync``, and ``repair`` the rest.
    ``OSError`` is raised as the disk does; the file then still ends on a whole frame.
    """

    def __init__(self, path: Path, *, rate: int, channels: int) -> None:
        if channels not in (1, 2):
            raise FormatMismatch(where=str(path), what=f"{channels} channels", remedy="1 or 2")
        self._where, self._channels = str(path), channels
        self._file = path.open("wb", buffering=0)
        self._size = _HEADER.size
        self._append(header(rate=rate, channels=channels))

    def write(self, pcm: Pcm) -> None:
        """Append int16 ``[n * channels]`` (interleaved) or ``[n, channels]``.

        Raises ``FormatMismatch``, and writes nothing, if a frame would be torn or the file would
        pass 4 GiB, the most a WAV can say (18 hours of stereo at 16 kHz).
        """
        if pcm.size % self._channels or (pcm.ndim == 2 and pcm.shape[1] != self._channels):
            what = f"shape {pcm.shape} for {self._channels} channels"
            raise FormatMismatch(where=self._where, what=what)
        if self._size + pcm.nbytes > _MOST:
            raise FormatMismatch(
                where=self._where, what="would pass 4 GiB", remedy="end the recording"
            )
        try:
            self._append(pcm.astype("<i2", copy=False).tobytes())
        except OSError:
            with suppress(OSError):  # the first fault is the one to tell
                self._file.truncate(self._size)
                self._file.seek(self._size)
            raise
        self._size += pcm.nbytes

    def sync(self) -> None:
        """Bring the header up to date with what was written."""
        _patch(self._file.fileno(), self._size)

    def close(self) -> None:
        """``sync`` and close. May be called twice."""
        if self._file.closed:
            return
        try:
            self.sync()
        finally:
            self._file.close()

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]


def repair(path: Path) -> float:
    """Mend the header of a file that a crash cut off; returns the seconds of audio it holds.

    A half frame at the end is cut away. Raises ``FormatMismatch`` if ``WavWriter`` did not write
    it, ``OSError`` if it cannot be read or written.
    """
    with path.open("r+b") as file:
        raw = file.read(_HEADER.size)
        if len(raw) < _HEADER.size:
            raise FormatMismatch(where=str(path), what=f"{len(raw)} bytes are no WAV header")
        fields = _HEADER.unpack(raw)
        channels, rate = fields[6], fields[7]
        if channels not in (1, 2) or rate < 1 or not is_ours(raw, rate=rate, channels=channels):
            raise FormatMismatch(where=str(path), what="not a WAV file that Parley wrote")
        size = min(os.fstat(file.fileno()).st_size, _MOST)
        frames = (size - _HEADER.size) // (channels * _SAMPLE)
        size = _HEADER.size + frames * channels * _SAMPLE
        file.truncate(size)
        _patch(file.fileno(), size)
    return float(frames / rate)


def header(*, rate: int, channels: int, frames: int = 0) -> bytes:
    """Of a file with so many frames: RIFF, one ``fmt`` chunk (linear PCM), one ``data`` chunk."""
    frame = channels * _SAMPLE
    size = HEADER + frames * frame
    riff = (b"RIFF", size - 8, b"WAVE")
    fmt = (b"fmt ", 16, 1, channels, rate, rate * frame, frame, 8 * _SAMPLE)
    return _HEADER.pack(*riff, *fmt, b"data", size - HEADER)


def is_ours(raw: bytes, *, rate: int, channels: int) -> bool:
    """Whether ``raw`` is our header, sizes apart."""
    ours = header(rate=rate, channels=channels)
    return len(raw) == HEADER and raw[:4] == ours[:4] and raw[8:-4] == ours[8:-4]


def _patch(fd: int, size: int) -> None:
    for at, less in _SIZES:
        os.pwrite(fd, struct.pack("<I", size + less), at)

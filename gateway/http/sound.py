"""A recording as a request sees it: of one length, though the file may grow; one track or both."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from media.errors import FormatMismatch
from media.frame import MEDIA_RATE
from media.wav import HEADER, header, is_ours

STEREO = 4  # bytes of both tracks at one instant
TRACKS = ("caller", "bot")  # left and right


class Recorded:
    """The bytes of a WAV file that says all of what ``call.wav`` held when this was made.

    ``track`` is the one that is wanted; ``None``: both. Reads from disk, all of it: make and use
    it off the loop. Raises ``OSError``, and ``FormatMismatch`` of a file that is not ours.
    """

    def __init__(self, path: Path, *, track: str | None) -> None:
        self._file = path.open("rb", buffering=0)
        if not is_ours(self._file.read(HEADER), rate=MEDIA_RATE, channels=2):
            self._file.close()
            raise FormatMismatch(where=str(path), what="not a WAV file that Parley wrote")
        found = os.fstat(self._file.fileno())
        # Not what its header says: that is up to date twice a second.
        self._frames = (found.st_size - HEADER) // STEREO
        self._column = None if track is None else TRACKS.index(track)
        self._width = STEREO if track is None else STEREO // 2
        channels = 2 if track is None else 1
        self._header = header(rate=MEDIA_RATE, channels=channels, frames=self._frames)
        self.tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}-{track or "both"}"'

    @property
    def size(self) -> int:
        """In bytes."""
        return HEADER + self._frames * self._width

    def read(self, start: int, stop: int) -> bytes:
        """Bytes from ``start`` up to ``stop``, both within ``size``."""
        head = self._header[start:stop]
        if stop <= HEADER:
            return head
        first, last = max(0, start - HEADER), stop - HEADER
        frame, end = first // self._width, -(-last // self._width)
        place = HEADER + frame * STEREO
        pcm = os.pread(self._file.fileno(), (end - frame) * STEREO, place)
        if self._column is not None:
            pcm = np.frombuffer(pcm, "<i2").reshape(-1, 2)[:, self._column].tobytes()
        return head + pcm[first - frame * self._width : last - frame * self._width]

    def close(self) -> None:
        """May be called twice."""
        self._file.close()

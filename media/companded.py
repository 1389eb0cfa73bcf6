"""G.711 packets into sound, and what to say for one that is missing."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import numpy as np

from media.frame import MEDIA_RATE, Pcm, silence
from media.g711 import alaw_decode, ulaw_decode

RATE = 8_000
"""Hertz: of the sound, and of the RTP timestamps (RFC 3551, section 4.5.14)."""

_SHORTEST, _LONGEST = 40, 120  # samples of a voice's period: 200 to 66 Hz, as in G.711 appendix I
_MATCHED = 160  # samples compared to find it: 20 ms
_HISTORY = _MATCHED + _LONGEST
_WHOLE, _GONE = 80, 480  # samples until a made-up voice begins to fade, and until it is silent


class Law(Enum):
    """Which of G.711's two."""

    ULAW = "PCMU"
    ALAW = "PCMA"


class CompandedDecoder:
    """A ``media.reception.PacketDecoder`` for G.711; a missing packet is the voice's last period
    said again (the idea of ITU-T G.711 appendix I), fading out between 10 and 60 ms."""

    rate = RATE
    clock_rate = RATE

    def __init__(self, law: Law) -> None:
        self._decode: Callable[[bytes], Pcm] = ulaw_decode if law is Law.ULAW else alaw_decode
        self._past = silence(_HISTORY)
        self._period: Pcm | None = None
        self._made_up = 0  # samples since the last packet

    def duration(self, packet: bytes) -> int:
        """A byte is a sample."""
        return len(packet) * MEDIA_RATE // RATE

    def redundant(self, packet: bytes) -> bool:
        """Never."""
        return False

    def decode(self, packet: bytes) -> Pcm:
        """Int16 ``[len(packet)]``."""
        pcm = self._decode(packet)
        self._past = np.concatenate((self._past, pcm))[-_HISTORY:]
        self._period, self._made_up = None, 0
        return pcm

    def recover(self, following: bytes, samples: int) -> Pcm:
        """The same as ``conceal``."""
        return self.conceal(samples)

    def conceal(self, samples: int) -> Pcm:
        """``samples`` of media time (16 kHz), that is half as many at 8 kHz: int16."""
        if self._period is None:
            self._period = self._last_period()
        at = self._made_up + np.arange(samples * RATE // MEDIA_RATE)
        self._made_up += len(at)
        loudness = np.clip((_GONE - at) / (_GONE - _WHOLE), 0, 1)
        pcm: Pcm = (self._period[at % len(self._period)] * loudness).astype(np.int16)
        return pcm

    def close(self) -> None:
        """Nothing to free."""

    def _last_period(self) -> Pcm:
        """The end of what was heard, as long as the lag at which it best resembles itself."""
        past = self._past.astype(np.float64)
        recent = past[-_MATCHED:]
        before = np.lib.stride_tricks.sliding_window_view(past[:-_SHORTEST], _MATCHED)
        power = np.sqrt(np.square(before).sum(axis=1)) + 1.0
        best = int((before @ recent / power).argmax())
        return self._past[-(_LONGEST - best) :]

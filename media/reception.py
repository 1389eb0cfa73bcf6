"""The far end's speech as it is heard here: packets in, exactly 20 ms of sound for every tick."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np

from media.errors import CodecFault
from media.frame import MEDIA_RATE, PACKET, Pcm, silence
from media.jitter import Depth, JitterBuffer, JitterCounts
from media.level import is_silent
from media.rtp import RtpPacket
from media.take import Fate, Spare, Take

SPARE_DBFS = -50.0
"""Sound below this is not missed when 20 ms of it are left out: a room, not a voice."""

_BLEND = 4  # part of a tick over which a seam is blended: 5 ms


class PacketDecoder(Protocol):
    """A codec's receiving end. Durations are in media time (16 kHz), sound is mono int16."""

    @property
    def rate(self) -> int:
        """Hertz of what it gives."""

    @property
    def clock_rate(self) -> int:
        """Hertz of the RTP timestamps."""

    def duration(self, packet: bytes) -> int:
        """How long the packet's sound lasts; 0 if it is none of this codec's."""

    def redundant(self, packet: bytes) -> bool:
        """Whether it also carries its predecessor."""

    def decode(self, packet: bytes) -> Pcm:
        """Its sound. Raises ``CodecFault``."""

    def recover(self, following: bytes, samples: int) -> Pcm:
        """The sound of the packet before ``following``. Raises ``CodecFault``."""

    def conceal(self, samples: int) -> Pcm:
        """Something like what was heard before. Raises ``CodecFault``."""

    def close(self) -> None:
        """Free it; may be called twice."""


class Reception:
    """One stream's way from packets to sound. It owns the decoder; ``close`` it.

    ``broken`` counts packets the codec refused; they are concealed.
    """

    def __init__(self, decoder: PacketDecoder, *, depth: Depth | None = None) -> None:
        self._decoder = decoder
        self._buffer = JitterBuffer(clock_rate=decoder.clock_rate, depth=depth)
        self._tick = decoder.rate * PACKET // MEDIA_RATE
        self._ready: deque[Pcm] = deque()
        self._held = 0  # samples in ``ready``
        self._quiet = False  # the end of them
        self._before: Pcm | None = None  # what was left out in front of what comes
        self.broken = 0

    @property
    def rate(self) -> int:
        """Hertz of what ``tick`` gives."""
        return self._decoder.rate

    @property
    def counts(self) -> JitterCounts:
        """What happened to the packets so far."""
        return self._buffer.counts

    def put(
        self, payload: bytes, *, sequence: int, timestamp: int, at: int, source: int = 0
    ) -> None:
        """An RTP packet of this codec came at media time ``at``; never raises for its content."""
        packet = RtpPacket(
            sequence=sequence,
            timestamp=timestamp,
            payload=payload,
            samples=self._decoder.duration(payload),
            source=source,
            redundant=self._decoder.redundant(payload),
        )
        self._buffer.put(packet, at=at)

    def tick(self, *, at: int) -> Pcm:
        """The next 20 ms at media time ``at``: int16 ``[rate / 50]``, silence if nothing came."""
        left_out = False
        while self._held < self._tick:
            take = self._buffer.take(at=at, quiet=self._quiet)
            pcm = self._sound(take)
            self._quiet = is_silent(pcm, floor_dbfs=SPARE_DBFS)
            spare = take.spare is Spare.YES or (take.spare is Spare.IF_SILENT and self._quiet)
            if spare and not left_out:
                self._buffer.left_out()
                self._before, left_out = pcm, True
                continue
            self._ready.append(self._joined(pcm))
            self._held += len(pcm)
        return self._cut()

    def close(self) -> None:
        """Free the decoder; may be called twice."""
        self._decoder.close()

    def _sound(self, take: Take) -> Pcm:
        try:
            match take.fate:
                case Fate.PLAY:
                    return self._decoder.decode(take.payload)
                case Fate.RECOVER:
                    return self._decoder.recover(take.payload, take.samples)
                case Fate.CONCEAL:
                    return self._decoder.conceal(take.samples)
                case Fate.SILENCE:
                    return silence(take.samples * self.rate // MEDIA_RATE)
        except CodecFault:
            self.broken += 1
            return self._decoder.conceal(take.samples)

    def _joined(self, pcm: Pcm) -> Pcm:
        """Where something was left out, its beginning fades into that of what follows it."""
        before, self._before = self._before, None
        if before is None:
            return pcm
        n = min(len(before), len(pcm), self._tick // _BLEND)
        up = np.arange(1, n + 1) / (n + 1)
        seam = (before[:n] * (1 - up) + pcm[:n] * up).astype(np.int16)
        return np.concatenate((seam, pcm[n:]))

    def _cut(self) -> Pcm:
        """The first tick's worth of what is ready; the rest stays."""
        first = self._ready[0]
        if len(first) == self._tick:  # nearly always
            self._held -= self._tick
            return self._ready.popleft()
        whole = np.concatenate(self._ready)
        self._ready.clear()
        rest = whole[self._tick :]
        if len(rest):
            self._ready.append(rest)
        self._held = len(rest)
        return whole[: self._tick]

"""RTP as a receiver sees it: which packets are new, in what order they were sent, what is missing.

Sequence numbers and timestamps are extended past their wrap (RFC 3550, appendix A.1); a stream
that starts again elsewhere is believed at its second packet in a row.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_DROPOUT = 3_000
"""A sequence number further ahead than this is another stream (RFC 3550, A.1)."""

MAX_MISORDER = 100
"""The same behind; a packet this late is of no use to anyone."""

_SEQUENCES, _TIMESTAMPS = 1 << 16, 1 << 32
_SEEN = (1 << (MAX_MISORDER + 1)) - 1


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet of speech.

    ``sequence`` (16 bits), ``timestamp`` (32 bits) and ``source`` (the SSRC) are as on the wire;
    ``samples`` is how long its sound lasts, in media time (16 kHz). ``redundant``: it also
    carries its predecessor at a lower quality (Opus in-band FEC).
    """

    sequence: int
    timestamp: int
    payload: bytes
    samples: int
    source: int = 0
    redundant: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet's numbers without their wrap. ``fresh``: no packet sent later came before it.

    ``restarted``: the numbers have nothing to do with those of the packets before.
    """

    sequence: int
    timestamp: int
    fresh: bool
    restarted: bool


class Arrivals:
    """What came of one far end's stream. Counts packets: ``received`` (each once), ``duplicate``,
    ``stray`` (numbers from nowhere, refused)."""

    def __init__(self) -> None:
        self.received = self.duplicate = self.stray = 0
        self._source: int | None = None
        self._highest = self._timestamp = 0
        self._seen = 0  # bit n: the packet n before the highest came
        self._expected = 0  # of the streams that ended
        self._first = 0
        self._suspect: int | None = None

    @property
    def lost(self) -> int:
        """Packets sent, as the sequence numbers tell, that have not come (yet)."""
        if self._source is None:
            return 0
        return self._expected + self._highest - self._first + 1 - self.received

    def admit(self, packet: RtpPacket) -> Arrival | None:
        """Where it belongs; ``None`` for a duplicate or a stray."""
        if packet.source != self._source:
            return self._begin(packet)
        ahead = _nearest(packet.sequence - self._highest, _SEQUENCES)
        if not -MAX_MISORDER <= ahead <= MAX_DROPOUT:
            if packet.sequence == self._suspect:
                return self._begin(packet)
            self._suspect = (packet.sequence + 1) % _SEQUENCES
            self.stray += 1
            return None
        if ahead <= 0 and self._seen >> -ahead & 1:
            self.duplicate += 1
            return None
        self.received += 1
        timestamp = self._timestamp + _nearest(packet.timestamp - self._timestamp, _TIMESTAMPS)
        sequence = self._highest + ahead
        if ahead < 0:
            self._seen |= 1 << -ahead
            # A packet from before the first one still counts as sent.
            self._first = min(self._first, sequence)
        else:
            self._seen = (self._seen << ahead | 1) & _SEEN
            self._highest, self._timestamp = sequence, timestamp
        return Arrival(sequence, timestamp, ahead > 0, False)

    def _begin(self, packet: RtpPacket) -> Arrival:
        if self._source is not None:
            self._expected += self._highest - self._first + 1
        self._source, self._suspect = packet.source, None
        self._highest = self._first = packet.sequence
        self._timestamp, self._seen = packet.timestamp, 1
        self.received += 1
        return Arrival(packet.sequence, packet.timestamp, True, True)


def _nearest(difference: int, modulus: int) -> int:
    """The difference of two wrapping numbers, the shorter way round."""
    half = modulus // 2
    return (difference + half) % modulus - half

"""The wait that hides a network's unevenness: packets in as they come, runs of sound out in order.

Everything is in media time (samples at 16 kHz), so that packets of any length and any RTP clock
are alike. Time is handed in; nothing here blocks, decodes or reads a clock.

A packet that is missing when its turn comes is made up for at once: from the redundancy in its
successor, else by concealment, for 60 ms at most and then by silence. Made-up sound counts
against the hole, so a lost packet adds no delay; a packet that was only late is played after
all and adds the delay it had, which is shed again, in silence if there is any.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from media.delays import Delays
from media.errors import FormatMismatch
from media.frame import MEDIA_RATE, PACKET
from media.rtp import Arrivals, RtpPacket
from media.take import Fate, Spare, Take

CONCEAL_MOST = 3 * PACKET
"""Concealment in one go, in samples of media time: beyond 60 ms it only hums."""

SLACK = 2 * PACKET
"""How far the wait may exceed the margin before silence is left out: 40 ms."""

PATIENCE = MEDIA_RATE
"""How long too long a wait goes on for want of silence before anything is left out: 1 s."""

_HOLE_LEAST = 40  # 2.5 ms: less between two packets is a rounded timestamp
_HURRY = 10 * PACKET  # from then on, the time between two packets that are left out
_PACKETS_MOST = 256  # packets of 2.5 ms or of nothing must not fill the memory


@dataclass(frozen=True, slots=True)
class Depth:
    """How much sound may wait, in samples of media time.

    ``margin`` is the wait beyond one packet that a stream begins with and never goes below;
    measured jitter raises it up to ``margin_most``. More than ``limit`` is never kept.
    """

    margin: int = PACKET
    margin_most: int = 10 * PACKET
    limit: int = 30 * PACKET


@dataclass(frozen=True, slots=True)
class JitterCounts:
    """Since the beginning. Packets, but ``concealed`` and ``silent``: samples of media time.

    ``lost`` never came (yet); ``late`` came after their turn; ``discarded`` came in time and were
    thrown away: for the depth, for the limit, or at a jump of the timestamps.
    ``depth`` and ``target`` are now, in samples of media time.
    """

    received: int
    lost: int
    late: int
    duplicate: int
    stray: int
    recovered: int
    discarded: int
    concealed: int
    silent: int
    depth: int
    target: int


@dataclass(slots=True)
class _Count:
    late: int = 0
    recovered: int = 0
    discarded: int = 0
    concealed: int = 0
    silent: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A packet in line and its place in the stream's own media time."""

    place: int
    sequence: int
    packet: RtpPacket

    @property
    def end(self) -> int:
        return self.place + self.packet.samples

    def __lt__(self, other: _Waiting) -> bool:
        return (self.place, self.sequence) < (other.place, other.sequence)


class JitterBuffer:
    """One stream's packets until their turn. ``clock_rate`` is that of its RTP timestamps, hertz.

    ``put`` whatever arrives; ``take`` runs of sound as long as the present tick lacks any. It
    always gives one, so the output never stops. ``at`` is the media time of the call.
    """

    def __init__(self, *, clock_rate: int, depth: Depth | None = None) -> None:
        self._allowed = depth or Depth()
        least = self._allowed.margin_most + 2 * PACKET
        if clock_rate < 1 or not 0 <= self._allowed.margin <= self._allowed.margin_most:
            what = f"clock rate {clock_rate} Hz, {self._allowed}"
            raise FormatMismatch(where="jitter buffer", what=what)
        if self._allowed.limit < least:
            what = f"limit of {self._allowed.limit} samples"
            raise FormatMismatch(where="jitter buffer", what=what, remedy=f"at least {least}")
        self._clock_rate = clock_rate
        self._arrivals, self._count = Arrivals(), _Count()
        self._delays = Delays()
        self._line: list[_Waiting] = []
        self._playing = False  # or waiting until enough has come
        self._started = False  # whether ``head`` means anything
        self._head = 0  # place of the next sample
        self._sequence = 0  # of the packet played last
        self._newest = 0  # place after the newest packet
        self._dry = 0  # made up since the line ran dry, not yet set against a hole
        self._made_up = 0  # concealed in one go
        self._patient_until: int | None = None  # media time of the call

    @property
    def depth(self) -> int:
        """Media time from the next sample to the end of the newest packet."""
        if not self._line:
            return 0
        return max(0, self._newest - (self._head if self._playing else self._line[0].place))

    @property
    def target(self) -> int:
        """The depth that is wanted just before a packet is played."""
        return max(self._line[0].packet.samples if self._line else 0, PACKET) + self._margin

    @property
    def counts(self) -> JitterCounts:
        """What happened so far."""
        came, count = self._arrivals, self._count
        return JitterCounts(
            received=came.received, lost=came.lost, duplicate=came.duplicate, stray=came.stray,
            late=count.late, recovered=count.recovered, discarded=count.discarded,
            concealed=count.concealed, silent=count.silent, depth=self.depth, target=self.target,
        )  # fmt: skip

    def put(self, packet: RtpPacket, *, at: int) -> None:
        """A packet came at media time ``at``. Late, twice, astray or empty, it is only counted."""
        arrival = self._arrivals.admit(packet)
        if arrival is None or packet.samples < 1:
            return
        place = arrival.timestamp * MEDIA_RATE // self._clock_rate
        one = _Waiting(place=place, sequence=arrival.sequence, packet=packet)
        # A place where no packet of this stream can be; all less is a pause of the far end.
        far = abs(place - self._newest) > self._allowed.limit
        if arrival.restarted or (far and arrival.fresh):
            self._restart(one, delay=at - place)
        elif far:
            self._count.late += 1
            return
        self._delays.note(at - place)
        if self._past(one):
            self._count.late += 1
            return
        self._newest = max(self._newest, one.end)
        insort(self._line, one)
        self._keep_bound()

    def take(self, *, at: int, quiet: bool = False) -> Take:
        """The next run of sound, at media time ``at``: one packet's, or up to 20 ms of fill.

        ``quiet``: the run before was silent, so that a longer wait can begin unheard.
        """
        while self._playing and self._line and self._past(self._line[0]):
            self._line.pop(0)  # its timestamp is inside its predecessor
            self._count.discarded += 1
        if not self._line:
            return self._run_dry()
        if not self._playing:
            if self._wait(self._line[0].place, at) < self._margin:
                return self._silence(PACKET)
            self._begin(at)
        first = self._line[0]
        self._head = min(self._head + self._dry, max(self._head, first.place))
        self._dry = 0
        if quiet and self._wait(self._head, at) + PACKET <= self._margin:
            return self._silence(PACKET)
        hole = first.place - self._head
        return self._fill(first, hole=hole) if hole >= _HOLE_LEAST else self._play(at)

    def left_out(self) -> None:
        """The last take was spare and was not played."""
        self._count.discarded += 1

    # -- arriving

    def _past(self, one: _Waiting) -> bool:
        return self._started and one.place + one.packet.samples // 2 < self._head

    def _restart(self, one: _Waiting, *, delay: int) -> None:
        # After a pause timestamps are where time is; else they have a new beginning.
        if abs(delay - self._delays.quickest) > self._allowed.limit // 2:
            self._delays = Delays()
        self._count.discarded += len(self._line)
        self._line.clear()
        self._playing = self._started = False
        self._newest = one.end

    def _keep_bound(self) -> None:
        line, earliest = self._line, self._newest - self._allowed.limit
        while len(line) > 1 and (len(line) > _PACKETS_MOST or line[0].place < earliest):
            line.pop(0)
            self._count.discarded += 1
            self._head = max(self._head, line[0].place) if self._started else 0
        if self._playing:  # a hole in front is cut short rather than a packet
            self._head = max(self._head, min(line[0].place, earliest))

    # -- leaving

    def _begin(self, at: int) -> None:
        line, most = self._line, self._margin + PACKET
        if not self._started:  # what came before anybody listened would only be delay
            while len(line) > 1 and self._wait(line[0].place, at) > most:
                line.pop(0)
                self._count.discarded += 1
        self._playing = self._started = True
        self._head, self._dry = line[0].place, 0

    def _play(self, at: int) -> Take:
        one = self._line.pop(0)
        self._head, self._sequence, self._made_up = one.end, one.sequence, 0
        return Take(Fate.PLAY, one.packet.samples, one.packet.payload, self._spare(one.place, at))

    def _spare(self, place: int, at: int) -> Spare:
        """Silence goes first; where there is none, a packet now and then."""
        # What is in line counts too: a way that became longer looks like a wait for a while.
        if self._wait(place, at) <= self._margin + SLACK or self._newest - self._head < SLACK:
            self._patient_until = None
            return Spare.NO
        if self._patient_until is None:
            self._patient_until = at + PATIENCE
        if at < self._patient_until:
            return Spare.IF_SILENT
        self._patient_until = at + _HURRY
        return Spare.YES

    def _fill(self, first: _Waiting, *, hole: int) -> Take:
        """Something for the beginning of the hole before the first packet in line."""
        known = first.packet.samples if first.packet.redundant else 0
        if first.sequence == self._sequence + 1:  # none is missing: the far end paused
            self._head += min(hole, PACKET)
            return self._silence(min(hole, PACKET))
        if hole == known:
            self._head += hole
            self._count.recovered += 1
            self._made_up = 0
            return Take(Fate.RECOVER, hole, first.packet.payload)
        part = min(hole - known if hole > known else hole, PACKET)
        self._head += part
        return self._conceal(part)

    def _run_dry(self) -> Take:
        if not self._playing or self._made_up >= CONCEAL_MOST:
            self._playing = False
            return self._silence(PACKET)
        self._dry += PACKET
        return self._conceal(PACKET)

    def _conceal(self, samples: int) -> Take:
        if self._made_up >= CONCEAL_MOST:
            return self._silence(samples)
        self._made_up += samples
        self._count.concealed += samples
        return Take(Fate.CONCEAL, samples)

    def _silence(self, samples: int) -> Take:
        self._count.silent += samples
        return Take(Fate.SILENCE, samples)

    # -- how deep

    @property
    def _margin(self) -> int:
        return min(max(self._delays.spread, self._allowed.margin), self._allowed.margin_most)

    def _wait(self, place: int, at: int) -> int:
        """How long sound of this place has waited, had it come as quickly as the quickest did."""
        return at - place - self._delays.quickest

"""One call's two queues in a SIP worker: packets to be sent, and what a tick brought.

Without a lock: a native clock thread takes and leaves, and must not wait. Each operation is one
atomic step of a ``deque``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gateway.legs.sipprotocol import NOTHING, Packet, Report

LIMIT = 50  # packets: a gateway that sends more than a second ahead is wrong


class Ring:
    """What the media clock pulls from and reports to, for the call with number ``call``.

    Until ``live`` nothing is taken or reported: silence goes out, which opens the way through an
    address translator, and the call's time has not begun. While ``held`` the caller hears
    nothing and is not heard, but time goes on and packets are used up. A tick has ``samples``.
    ``report`` takes a tick's report, or refuses it.

    Counts: ``overruns``, packets refused; ``starved``, ticks without a packet between packets;
    ``splices``, the holes these made; ``unreported``, reports refused.
    """

    def __init__(self, call: int, *, samples: int, report: Callable[[Report], bool]) -> None:
        self.call = call
        self._quiet = bytes(2 * samples)
        self.live = False
        self.held = False
        self.overruns = self.starved = self.splices = self.unreported = 0
        self._packets: deque[Packet] = deque()
        self._report = report
        self._sent: int | None = None
        self._begun = False
        self._hole = 0

    def push(self, packet: Packet) -> None:
        """Queue a packet; refused and counted when far too many wait."""
        if len(self._packets) >= LIMIT:
            self.overruns += 1
            return
        self._packets.append(packet)

    def requested(self) -> bytes:
        """The 20 ms to send now. Called by the media clock, before ``received``."""
        if not self.live:
            return self._quiet
        try:
            packet = self._packets.popleft()
        except IndexError:
            self._sent = NOTHING
            self._hole += self._begun
            return self._quiet
        if self._hole:  # only now: what is missing at the very end was never to come
            self.starved += self._hole
            self.splices += 1
            self._hole = 0
        self._begun = True
        self._sent = packet.number
        return self._quiet if self.held else packet.pcm

    def received(self, pcm: bytes) -> None:
        """What came in during this tick; anything but 20 ms counts as silence."""
        if not self.live:
            return
        if self._sent is None:  # nobody asked for our sound in this tick, as in a one-way hold
            self.requested()
        sent, self._sent = self._sent, None
        if self.held or len(pcm) != len(self._quiet):
            pcm = self._quiet
        told = self._report(Report(self.call, NOTHING if sent is None else sent, pcm))
        self.unreported += not told

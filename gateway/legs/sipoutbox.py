"""What a SIP worker has to tell its gateway: one queue for all threads, one wake-up a tick."""

from __future__ import annotations

import logging
import socket
import threading
from collections import deque

from gateway.legs.sipprotocol import Event, Media, Report
from gateway.legs.sipwire import RECORDS, encode

logger = logging.getLogger("sip-worker")
GATHER_S = 0.002  # from the first call's packet of a tick to the last one's
BACKLOG = 1 << 14  # reports that wait for a gateway that stands still: 3 s of 100 calls


class Outbox:
    """Events and reports in order; ``post`` and ``report`` may be called on any thread.

    They never wait. Of reports only ``BACKLOG`` are kept, ``refused`` counts the others; events
    are few and never thrown away.
    """

    def __init__(self, link: socket.socket) -> None:
        self.refused = 0
        self._items: deque[Event | Report] = deque()
        self._link, self._some, self._over = link, threading.Event(), threading.Event()
        self._mentioned = 0

    def post(self, event: Event) -> None:
        """Leave one for the gateway."""
        self._items.append(event)
        self.wake()

    def report(self, report: Report) -> bool:
        """Leave a tick for the gateway, at the next ``wake``; false if far too many wait."""
        if len(self._items) >= BACKLOG:
            self.refused += 1
            return False
        self._items.append(report)
        return True

    def wake(self) -> None:
        """Let what waits be sent."""
        if not self._some.is_set():
            self._some.set()

    def run(self) -> None:
        """Send until the gateway is gone."""
        while True:
            self._some.wait()
            self._over.wait(GATHER_S)
            self._some.clear()
            try:
                for event in grouped(self._items):
                    self._link.sendall(encode(event))
            except OSError:  # the reader notices as well, and ends the process
                return
            self._mention()

    def _mention(self) -> None:
        """Tell people of refused reports, each time their number has doubled."""
        if self.refused > 2 * self._mentioned:
            self._mentioned = self.refused
            what = "the gateway does not take its messages: %d ticks of sound are lost so far"
            logger.error(what, self.refused)


def grouped(items: deque[Event | Report]) -> list[Event]:
    """Everything that waits, in order, with neighbouring reports in one message."""
    events: list[Event] = []
    reports: list[Report] = []
    for _ in range(len(items)):
        item = items.popleft()
        if isinstance(item, Report):
            reports.append(item)
        if reports and (not isinstance(item, Report) or len(reports) == RECORDS):
            events.append(Media(tuple(reports)))
            reports = []
        if not isinstance(item, Report):
            events.append(item)
    if reports:
        events.append(Media(tuple(reports)))
    return events

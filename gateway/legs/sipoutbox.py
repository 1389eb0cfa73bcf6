"""What a SIP worker has to tell its gateway: one queue for all threads, one wake-up a tick."""

from __future__ import annotations

import socket
import threading
from collections import deque

from gateway.legs.sipprotocol import Event, Media, Report
from gateway.legs.sipwire import RECORDS, encode

GATHER_S = 0.002  # from the first call's packet of a tick to the last one's
BACKLOG = 1 << 14  # reports and events that wait for the gateway; the oldest goes first


class Outbox:
    """Events and reports in order; ``post`` may be called on any thread and never waits."""

    def __init__(self, link: socket.socket) -> None:
        self.items: deque[Event | Report] = deque(maxlen=BACKLOG)
        self._link, self._some, self._over = link, threading.Event(), threading.Event()

    def post(self, event: Event | Report) -> None:
        """Leave one for the gateway."""
        self.items.append(event)
        self._some.set()

    def wake(self) -> None:
        """Something was put into ``items``."""
        if not self._some.is_set():
            self._some.set()

    def run(self) -> None:
        """Send until the gateway is gone."""
        while True:
            self._some.wait()
            self._over.wait(GATHER_S)
            self._some.clear()
            try:
                for event in grouped(self.items):
                    self._link.sendall(encode(event))
            except OSError:  # the reader notices as well, and ends the process
                return


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

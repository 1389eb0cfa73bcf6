"""A gateway that does not listen loses reports, which is counted and told, and no event."""

from __future__ import annotations

import logging
import socket
import threading

import pytest

from gateway.legs.sipoutbox import BACKLOG, Outbox
from gateway.legs.sipprotocol import Ended, Event, Media, Report
from gateway.legs.sipwire import MESSAGE_BYTES, decode_event


def received(link: socket.socket, *, until: type[Event]) -> list[Event]:
    events: list[Event] = []
    while not events or not isinstance(events[-1], until):
        events.append(decode_event(link.recv(MESSAGE_BYTES)))
    return events


def test_reports_are_sent_at_the_next_wake_and_in_order() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outbox = Outbox(theirs)
    threading.Thread(target=outbox.run, daemon=True).start()
    assert outbox.report(Report(1, 0, b"\0\0"))
    assert outbox.report(Report(2, 0, b"\0\0"))
    outbox.wake()
    outbox.post(Ended(1, 200, "OK"))
    events = received(ours, until=Ended)
    reports = [one for event in events if isinstance(event, Media) for one in event.reports]
    assert [one.call for one in reports] == [1, 2]
    ours.close()


def test_too_many_reports_are_refused_and_events_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outbox = Outbox(theirs)
    taken = [outbox.report(Report(1, tick, b"")) for tick in range(BACKLOG + 5)]
    assert taken == [True] * BACKLOG + [False] * 5
    outbox.post(Ended(1, 200, "OK"))
    caplog.set_level(logging.ERROR, "sip-worker")
    sender = threading.Thread(target=outbox.run)
    sender.start()
    assert isinstance(received(ours, until=Ended)[-1], Ended)
    ours.close()
    outbox.post(Ended(2, 200, "OK"))  # the sender finds the gateway gone, and ends
    sender.join(5)
    assert not sender.is_alive()
    assert outbox.refused == 5
    assert caplog.messages == [
        "the gateway does not take its messages: 5 ticks of sound are lost so far"
    ]

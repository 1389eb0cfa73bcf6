"""Every tick is reported once, and what went out is what the gateway sent, in order."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from gateway.legs.sipoutbox import grouped
from gateway.legs.sipprotocol import NOTHING, Confirmed, Event, Media, Packet, Report
from gateway.legs.sipring import LIMIT, Ring
from gateway.legs.sipwire import RECORDS

SAMPLES = 160
LOUD = b"\x01\x02" * 160


def ring() -> tuple[Ring, list[Report]]:
    reports: list[Report] = []

    def report(one: Report) -> bool:
        reports.append(one)
        return True

    made = Ring(3, samples=SAMPLES, report=report)
    made.live = True
    return made, reports


@given(st.lists(st.sampled_from(["push", "tick", "deaf tick"]), max_size=60))
def test_packets_go_out_once_and_in_order(deeds: list[str]) -> None:
    line, reports = ring()
    pushed = ticks = 0
    for deed in deeds:
        if deed == "push":
            line.push(Packet(3, pushed, LOUD))
            pushed += line.overruns == 0
        else:
            if deed == "tick":
                line.requested()
            line.received(LOUD)
            ticks += 1
    sent = [one.sent for one in reports]
    numbers = [number for number in sent if number != NOTHING]
    assert len(sent) == ticks
    assert numbers == list(range(len(numbers)))


def test_before_media_begins_nothing_is_used_up() -> None:
    line, reports = ring()
    line.live = False
    line.push(Packet(3, 0, LOUD))
    assert line.requested() == bytes(2 * SAMPLES)
    line.received(LOUD)
    assert not reports
    line.live = True
    assert line.requested() == LOUD


def test_on_hold_time_goes_on_in_silence() -> None:
    line, reports = ring()
    line.held = True
    line.push(Packet(3, 0, LOUD))
    assert line.requested() == bytes(2 * SAMPLES)
    line.received(LOUD)
    assert reports == [Report(3, 0, bytes(2 * SAMPLES))]


def test_a_gateway_that_runs_ahead_is_stopped() -> None:
    line, _ = ring()
    for number in range(LIMIT + 5):
        line.push(Packet(3, number, LOUD))
    assert line.overruns == 5


def test_an_odd_frame_counts_as_silence() -> None:
    line, reports = ring()
    line.requested()
    line.received(b"\x01\x02")
    assert reports == [Report(3, NOTHING, bytes(2 * SAMPLES))]


def test_a_hole_in_the_midst_of_sound_is_counted_and_its_end_is_not() -> None:
    line, _ = ring()
    for deed in "..p..p.pp...":  # the gateway is late at first, falls behind twice, then is done
        if deed == "p":
            line.push(Packet(3, 0, LOUD))
        else:
            line.requested()
            line.received(LOUD)
    assert (line.starved, line.splices) == (1, 1)


def test_a_report_that_is_refused_is_counted() -> None:
    line = Ring(3, samples=SAMPLES, report=lambda one: False)
    line.live = True
    for _ in range(3):
        line.received(LOUD)
    assert line.unreported == 3


def test_neighbouring_reports_share_a_message_and_the_order_stays() -> None:
    def one(call: int) -> Report:
        return Report(call, 0, b"")

    items: deque[Event | Report] = deque([one(1), one(2), Confirmed(3), one(3)])
    assert grouped(items) == [Media((one(1), one(2))), Confirmed(3), Media((one(3),))]
    assert not items
    many: deque[Event | Report] = deque(one(call) for call in range(RECORDS + 1))
    sizes = [len(part.reports) for part in grouped(many) if isinstance(part, Media)]
    assert sizes == [RECORDS, 1]

"""What is read from packets that came back: where their sound is from, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.webrtccaller import Arrival, heard
from benchmarks.webrtcecho import Moment, every_packet, moments
from benchmarks.webrtcloss import CLEAN_S, TROUBLES, Trouble, longest_ms
from benchmarks.webrtcvoice import PACKET_S, RATE, SIZE, encoded, wander
from media.frame import Pcm
from media.opus import CLOCK_RATE
from media.tones import tone

LOOK_AHEAD_S = 0.0065  # of one encoder


def echoed(sound: Pcm, *, trip_s: float) -> list[Arrival]:
    packets = encoded(sound)
    return [
        Arrival(100 + number * PACKET_S + trip_s, number * 960, packets[number])
        for number in range(len(packets))
    ]


@pytest.mark.parametrize("trip_s", [0.02, 0.095, 0.4])
def test_each_packet_tells_how_long_it_was_under_way(trip_s: float) -> None:
    sound = wander(3.0)
    found = moments(echoed(sound, trip_s=trip_s), sound, began_s=100.0)
    trips = [one.trip_s for one in found[5:] if one.trip_s is not None]
    assert len(trips) >= 0.95 * len(found[5:])
    assert np.median(trips) == pytest.approx(trip_s + LOOK_AHEAD_S, abs=0.001)


def test_what_was_not_said_is_not_the_callers_own() -> None:
    other = tone(2_500, 100 * SIZE, rate=RATE)
    found = moments(echoed(other, trip_s=0.05), wander(2.0), began_s=100.0)
    assert not any(one.silent or one.trip_s is not None for one in found[5:])
    nothing = moments(echoed(np.zeros(40 * SIZE, np.int16), trip_s=0.05), wander(2.0), began_s=100)
    assert all(one.silent and one.trip_s is None for one in nothing)


def test_a_stream_tells_what_is_missing_and_late() -> None:
    late = [0.0, 0.003, 0.0, 0.03]
    arrivals = [
        Arrival(50 + n * PACKET_S + late[n % 4], n * CLOCK_RATE // 50 + 4_294_960_000 & 0xFFFFFFFF)
        for n in range(101)
        if n not in (10, 11)
    ]
    told = heard(arrivals)
    assert (told.packets, told.missing) == (99, 2)
    assert max(told.late_ms) == pytest.approx(30.0, abs=0.01)


def test_the_longest_time_without_sound_is_beyond_a_packets_own() -> None:
    found = [Moment(2 + n * PACKET_S, 0.05, False) for n in range(100) if not 40 <= n < 50]
    assert longest_ms(found, 4.0, own=True) == pytest.approx(200.0)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_a_plan_is_in_order_and_without_trouble_at_both_ends(trouble: Trouble) -> None:
    plan, clean = trouble.plan(0), every_packet(trouble.seconds)
    assert plan == sorted(plan)
    assert trouble.plan(0) == plan
    first = round(CLEAN_S * RATE / SIZE)
    assert plan[:first] == clean[:first]
    assert plan[-100:] == clean[-100:]
    assert plan != clean

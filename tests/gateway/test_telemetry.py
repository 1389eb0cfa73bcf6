"""What is counted, and that it cannot grow without end."""

from __future__ import annotations

from array import array

import pytest

from gateway.telemetry import FRAME_S, REASONS, STEP_S, TALK_S, Histogram, Telemetry
from media.timeline import Entry


def test_a_value_at_an_edge_belongs_to_its_bucket() -> None:
    histogram = Histogram([0.1, 0.2])
    histogram.add([])
    histogram.add([100, 150, 200, 201, -5], per_s=1000)
    assert histogram.cumulative == [2, 4, 5]
    assert histogram.sum_s == pytest.approx(0.646)


def test_facts_of_calls_are_counted() -> None:
    told = Telemetry()
    told.fact(Entry(0, "offer", {"leg": "sip"}))
    told.fact(Entry(0, "answer"))
    told.fact(Entry(9, "cut", {"onset": 16_000, "heard_until": 20_000}))
    told.fact(Entry(9, "cut", {"onset": None, "heard_until": 20_000}))
    told.fact(Entry(9, "outcome", {"fault": "none", "reason": "goodbye"}))
    told.refuse("full")
    waits = array("f", [4.0, 80.0, 80.5, 1_000.0])
    told.over(gaps=[8_000, 160_000], steps_ms=array("f", [4.0, 1_000.0]), waits_ms=waits)
    assert (told.taken, told.refused) == ({"sip": 1}, {"full": 1})
    assert told.ended == {("none", "goodbye"): 1}
    assert told.stops.cumulative[TALK_S.index(0.2) :] == [0] + [1] * (len(TALK_S) - 1)
    assert told.gaps.cumulative[TALK_S.index(0.5)] == 1
    assert told.gaps.cumulative[-1] == 2
    assert told.steps.cumulative == [1] * len(STEP_S) + [2]
    assert told.waits.above(FRAME_S) == 2


def test_reasons_that_models_make_up_cannot_fill_a_monitor() -> None:
    told = Telemetry()
    for number in range(REASONS + 100):
        told.end("none", f"reason-{number}")
    told.end("none", "reason-0")
    assert len(told.ended) == REASONS + 1
    assert told.ended["none", "other"] == 100
    assert told.ended["none", "reason-0"] == 2

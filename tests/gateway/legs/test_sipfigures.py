"""Figures of streams joined, and what ``call.json`` says of them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gateway.legs.sipfigures import joined, score, told
from gateway.legs.sipprotocol import StreamFigures

ONE = StreamFigures(
    received=100, lost=1, discarded=2, duplicates=3, sent=101, lost_there=4, jitter_ms=2.0,
    jitter_max_ms=9.0, round_trip_ms=30.0, buffer_ms=20.0, buffer_max_ms=40.0, starved=5,
    splices=6, overruns=7, unreported=8,
)  # fmt: skip
TWO = StreamFigures(
    received=300, lost=10, discarded=20, duplicates=30, sent=310, lost_there=40, jitter_ms=6.0,
    jitter_max_ms=7.0, buffer_ms=60.0, buffer_max_ms=80.0, starved=50, splices=60, overruns=70,
    unreported=80,
)  # fmt: skip


def test_counts_add_up_means_are_weighted_and_the_largest_stays() -> None:
    both = joined(ONE, TWO)
    for field in fields(StreamFigures):
        if not field.name.endswith("_ms"):
            one, two = getattr(ONE, field.name), getattr(TWO, field.name)
            assert getattr(both, field.name) == one + two != 0
    assert both.jitter_ms == pytest.approx(5.0)
    assert both.buffer_ms == pytest.approx(50.0)
    assert (both.jitter_max_ms, both.buffer_max_ms) == (9.0, 80.0)
    assert both.round_trip_ms == 30.0  # the second stream was too short for a report


def test_a_stream_without_figures_changes_nothing() -> None:
    assert joined(ONE, StreamFigures()) == ONE == joined(StreamFigures(), ONE)


def test_a_clean_call_is_rated_as_well_as_g711_can_be() -> None:
    clean = StreamFigures(received=500, sent=500, buffer_ms=20.0, buffer_max_ms=40.0)
    assert score(clean, codec="PCMU/8000") == score(clean, codec="PCMA/8000") == 4.41


def test_late_packets_count_as_lost() -> None:
    lost = StreamFigures(received=950, lost=50)
    late = StreamFigures(received=1_000, discarded=50)
    assert score(late, codec="PCMU/8000") == score(lost, codec="PCMU/8000") == 3.92


def test_a_long_way_costs() -> None:
    far = StreamFigures(received=500, round_trip_ms=600.0, buffer_ms=100.0)
    rated = score(far, codec="PCMU/8000")
    assert rated is not None
    assert rated < 3.6


@pytest.mark.parametrize("codec", ["G722/8000", "", "opus/48000"])
def test_without_a_rating_nothing_is_said(codec: str) -> None:
    assert score(StreamFigures(received=500), codec=codec) is None


def test_without_packets_nothing_is_said() -> None:
    assert score(StreamFigures(lost=5), codec="PCMU/8000") is None
    silent = told(StreamFigures(sent=50), codec="PCMU/8000")
    assert silent["jitter_ms"] is silent["buffer_ms"] is silent["round_trip_ms"] is None


def test_everything_measured_is_told() -> None:
    said = told(ONE, codec="PCMU/8000")
    assert said["jitter_ms"] == {"mean": 2.0, "max": 9.0}
    assert said["buffer_ms"] == {"mean": 20.0, "max": 40.0}
    plain = {field.name for field in fields(StreamFigures)} & set(said)
    assert {name: said[name] for name in plain - {"jitter_ms", "buffer_ms"}} == {
        name: getattr(ONE, name) for name in plain - {"jitter_ms", "buffer_ms"}
    }
    missing = {field.name for field in fields(StreamFigures)} - set(said)
    assert missing == {"jitter_max_ms", "buffer_max_ms"}

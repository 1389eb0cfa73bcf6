"""What the SIP benchmarks measure with, on things whose measure is known."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.sipbargein import last_sound_ms
from benchmarks.sipcaller import Arrival
from benchmarks.sipcost import BAR, Cost
from benchmarks.sipcpu import Reading, between, child_of, read
from benchmarks.sipdrift import onsets
from benchmarks.sipload import pips, scenario
from media.frame import MEDIA_RATE


def test_processor_time_is_the_process_own() -> None:
    first, began = read(os.getpid()), time.process_time()
    while time.process_time() < began + 0.05:
        pass
    spent = between(first, read(os.getpid()))
    told = time.process_time() - began
    assert spent.of(os.getpid()) == pytest.approx(told, abs=0.02)
    assert spent.main(os.getpid()) == pytest.approx(told, abs=0.02)
    assert spent.of(1 << 30) == 0


def test_time_before_the_first_reading_does_not_count_and_new_threads_do() -> None:
    first = Reading(0.0, {(7, 7): ("main", 3.0)}, busy_s=10.0)
    then = Reading(2.0, {(7, 7): ("main", 4.0), (7, 8): ("clock", 0.5)}, busy_s=13.0)
    spent = between(first, then)
    assert (spent.wall_s, spent.of(7), spent.main(7), spent.named(7, "clock")) == (2, 1.5, 1, 0.5)
    assert spent.others_s == 1.5


def test_a_child_is_found_by_what_it_runs() -> None:
    command = [sys.executable, "-c", "input()", "the-marked-one"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        assert child_of(os.getpid(), running="the-marked-one") == child.pid
        assert child_of(os.getpid(), running="nobody-runs-this") is None
        child.kill()


def test_pips_are_found_where_they_begin() -> None:
    track = np.repeat(pips(seconds=3), 2)  # at twice their rate
    found = onsets(np.concatenate([np.zeros(500, np.int16), track]))
    assert np.abs(found - (500 + MEDIA_RATE * np.arange(3))).max() <= 16  # a millisecond


@pytest.mark.parametrize(
    ("until_s", "expected"),
    [(10.06, 60.0), (9.9, None), (20.0, None)],
    ids=["falls silent", "was silent", "does not stop"],
)
def test_the_last_sound_after_a_decision(until_s: float, expected: float | None) -> None:
    ticks = [9 + n * 0.02 for n in range(200)]
    loud_from = 9.95 if expected is None and until_s < 10 else 9.0
    heard = [Arrival(at, loud_from <= at < until_s + 0.001) for at in ticks]
    found = last_sound_ms(heard, 10.0)
    assert found == (None if expected is None else pytest.approx(expected, abs=0.1))


def test_the_bar_counts_from_ten_calls_on() -> None:
    parts = dict.fromkeys(("alone", "worker_clock", "loop", "sipp", "others"), 0.0)
    cost = [
        Cost(rate=8_000, calls=n, worker=0.15, gateway=0.10, load=0, starved=0, minutes=1, **parts)
        for n in (1, 10, 25)
    ]
    assert [c.good for c in cost] == [True, False, True]
    assert cost[1].per_call == pytest.approx(0.025)
    assert cost[1].per_call > BAR


def test_the_scenario_is_a_call() -> None:
    root = ElementTree.fromstring(scenario())
    methods = [(node.text or "").split()[0] for node in root.iter("send")]
    assert methods == ["INVITE", "ACK", "BYE"]

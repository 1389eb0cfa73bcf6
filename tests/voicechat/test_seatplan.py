"""Seats by measurement: with measures made up, and on the tiny checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.voicechat.build import load
from bot.voicechat.model import VoiceChat
from bot.voicechat.rows import nbytes
from bot.voicechat.seating import Seats
from bot.voicechat.seatplan import WIDTHS, free_memory, measured, percentile, plan

GB = 10**9


class Fake:
    """A step of ``width`` takes ``each`` times that and ``once``; remembers what was asked."""

    def __init__(self, *, once: float, each: float) -> None:
        self.once, self.each = once, each
        self.asked: list[int] = []

    def __call__(self, width: int) -> list[float]:
        self.asked.append(width)
        return [self.once + self.each * width] * 20


@pytest.mark.parametrize(
    ("each", "memory", "seats", "asked", "why"),
    [
        (0.1, 1000, 128, list(WIDTHS), "128 are as many as were tried"),
        (1.0, 1000, 32, [1, 2, 4, 8, 16, 32, 64], "a step of 64 takes 74.0 ms (p99), more than 60"),
        (0.1, 92, 92, [*WIDTHS[:-1], 92], "128 need 128.00 GB of memory, and 92.00 are free"),
        (0.1, 64, 64, list(WIDTHS[:-1]), "128 need 128.00 GB of memory, and 64.00 are free"),
        (1.0, 52, 32, [1, 2, 4, 8, 16, 32, 52], "a step of 52 takes 62.0 ms (p99), more than 60"),
        (60.0, 1000, 0, [1], "a step of 1 takes 70.0 ms (p99), more than 60"),
        (0.1, 0, 0, [], "1 need 1.00 GB of memory, and 0.00 are free"),
    ],
)
def test_time_or_memory_ends_it(
    each: float, memory: int, seats: int, asked: list[int], why: str
) -> None:
    fake = Fake(once=10.0, each=each)
    found = plan(fake, memory_free=memory * GB, bytes_per_row=GB)
    assert (found.seats, found.bytes_per_seat, found.why) == (seats, GB, why)
    assert found.step_p99_ms == pytest.approx(10.0 + each * seats if seats else 0.0)
    assert fake.asked == asked


def test_nothing_behind_the_first_width_that_is_over_is_measured() -> None:
    times = {1: 10.0, 2: 70.0, 4: 10.0}
    found = plan(lambda width: [times[width]], memory_free=GB, bytes_per_row=1, widths=(1, 2, 4))
    assert (found.seats, found.step_p99_ms) == (1, 10.0)


def test_memory_that_ends_in_a_step_is_said() -> None:
    found = plan(
        lambda width: [1.0] if width < 4 else [float("inf")], memory_free=GB, bytes_per_row=1
    )
    assert (found.seats, found.why) == (2, "4 ran out of memory when stepped")


def test_a_slow_step_in_fifty_counts_and_one_in_a_thousand_does_not() -> None:
    assert percentile([1.0] * 49 + [90.0]) == 90.0
    assert percentile([1.0] * 999 + [90.0]) == 1.0
    assert percentile([5.0]) == 5.0


@given(
    once=st.floats(0, 100),
    each=st.floats(0, 10),
    rows=st.integers(0, 200),
    budget=st.floats(1, 100),
    widths=st.lists(st.integers(1, 200), min_size=1, max_size=6, unique=True).map(sorted),
)
def test_what_is_planned_was_measured_and_fits(
    once: float, each: float, rows: int, budget: float, widths: list[int]
) -> None:
    fake = Fake(once=once, each=each)
    found = plan(fake, memory_free=rows * GB, bytes_per_row=GB, widths=widths, budget_ms=budget)
    assert found.seats in {0, rows, *widths}
    assert found.seats <= rows
    assert found.step_p99_ms <= budget
    assert found.seats == 0 or found.seats in fake.asked
    assert fake.asked == sorted(set(fake.asked))
    assert all(once + each * width <= budget + 1e-9 for width in fake.asked[:-1])


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    return load(original)


def ticks(every: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += every


def test_the_models_own_steps_are_timed(model: VoiceChat) -> None:
    clock = ticks(0.03)
    found = measured(model, length=4, clock=lambda: next(clock), widths=(1, 3), steps=10, memory=GB)
    row = nbytes(Seats(model, rows=1, length=4).state)
    assert (found.seats, found.bytes_per_seat) == (3, row)
    assert found.step_p99_ms == pytest.approx(30.0)
    assert found.why == "3 are as many as were tried"


def test_a_slow_clock_leaves_no_seat(model: VoiceChat) -> None:
    clock = ticks(0.1)
    found = measured(model, length=8, clock=lambda: next(clock), widths=(1,), steps=2)
    assert (found.seats, found.why) == (0, "a step of 1 takes 100.0 ms (p99), more than 60")


def test_memory_that_ends_when_stepped_is_no_error(
    model: VoiceChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise torch.OutOfMemoryError("none left")

    monkeypatch.setattr(Seats, "step", refused)
    found = measured(model, length=8, clock=lambda: 0.0, widths=(1, 2))
    assert (found.seats, found.why) == (0, "1 ran out of memory when stepped")


def test_a_cpu_has_memory() -> None:
    assert free_memory(torch.device("cpu")) > 2**20

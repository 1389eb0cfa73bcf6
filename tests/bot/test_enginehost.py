"""How long frames wait, as the engine's process counts it."""

from __future__ import annotations

import numpy as np
import pytest

from bot.batch import RowResult
from bot.enginehost import Arrivals
from bot.slots import Lease


def answer(step: int, *, row: int = 0, lease: int = 1) -> RowResult:
    return RowResult(row, lease, step, np.zeros(1, np.int16), ())


def test_a_frame_waits_from_its_coming_to_its_answer() -> None:
    arrivals = Arrivals()
    arrivals.note(Lease(0, 1), 0, 10.0)
    arrivals.note(Lease(0, 1), 1, 10.08)
    arrivals.note(Lease(1, 2), 0, 10.05)
    assert arrivals.waited_ms(answer(0), 10.1) == pytest.approx(100)
    assert arrivals.waited_ms(answer(1), 10.1) == pytest.approx(20)
    assert arrivals.waited_ms(answer(0, row=1, lease=2), 10.1) == pytest.approx(50)
    assert arrivals.waited_ms(answer(1), 10.2) is None


def test_of_a_call_that_is_over_nothing_is_kept() -> None:
    arrivals = Arrivals()
    arrivals.note(Lease(0, 1), 0, 10.0)  # dropped: it never gets an answer
    arrivals.forget(Lease(0, 1))
    arrivals.forget(Lease(0, 7))
    assert arrivals.waited_ms(answer(0), 10.1) is None
    assert not arrivals._came

"""The E-model against values that its recommendation prints, and its own order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.emodel import BASE, G711, opinion, rating

shares, delays = st.floats(0, 1), st.floats(0, 5_000)


@pytest.mark.parametrize(
    ("rating_", "expected"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)]
)
def test_opinions_of_ratings_as_g107_prints_them(rating_: float, expected: float) -> None:
    assert opinion(rating_) == pytest.approx(expected, abs=0.01)


def test_a_clean_line_has_the_best_rating() -> None:
    assert rating(G711, loss=0, delay_ms=100) == BASE
    assert opinion(BASE) == pytest.approx(4.41, abs=0.005)


def test_what_loss_and_delay_cost() -> None:
    # 95 * 5 / (5 + 25.1): half the packets that Bpl names cost as much as nothing else here.
    assert BASE - rating(G711, loss=0.05, delay_ms=0) == pytest.approx(15.78, abs=0.01)
    # At four times the unnoticed delay, X is 2: 25 * (65**(1/6) - 3 * (1 + (2/3)**6)**(1/6) + 2).
    assert BASE - rating(G711, loss=0, delay_ms=400) == pytest.approx(24.06, abs=0.05)


@given(shares, shares, delays, delays)
def test_more_loss_or_delay_is_never_better(
    loss: float, more: float, delay_ms: float, longer_ms: float
) -> None:
    low, high = sorted((loss, more))
    near, far = sorted((delay_ms, longer_ms))
    better = opinion(rating(G711, loss=low, delay_ms=near))
    worse = opinion(rating(G711, loss=high, delay_ms=far))
    assert 1.0 <= worse <= better + 1e-9
    assert better <= 4.5


def test_what_cannot_be_is_refused() -> None:
    for loss, delay_ms in ((-0.1, 0.0), (1.1, 0.0), (0.0, -1.0)):
        with pytest.raises(ValueError, match="loss is 0 to 1"):
            rating(G711, loss=loss, delay_ms=delay_ms)

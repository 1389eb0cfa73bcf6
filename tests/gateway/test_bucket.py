"""Token buckets: never more than the burst, never faster than the rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bucket import Buckets, TokenBucket

TIMES = st.lists(st.floats(0, 10), max_size=60).map(sorted)


@given(TIMES, st.integers(1, 5), st.floats(0.5, 20))
def test_what_is_taken_keeps_to_the_rate(times: list[float], burst: int, rate: float) -> None:
    bucket = TokenBucket(per_second=rate, burst=burst, now_s=0.0)
    taken = [now for now in times if bucket.take(now) == 0]
    for first, since in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + rate * (taken[last] - since) + 1e-6


def test_the_wait_it_names_is_the_right_one() -> None:
    bucket = TokenBucket(per_second=4.0, burst=1, now_s=0.0)
    assert bucket.take(0.0) == 0
    wait_s = bucket.take(0.1)
    assert wait_s == pytest.approx(0.15)
    assert bucket.take(0.1 + wait_s - 0.01) > 0
    assert bucket.take(0.1 + wait_s + 1e-9) == 0


def test_looking_takes_nothing() -> None:
    buckets = Buckets(per_second=1.0, burst=1)
    assert buckets.wait("one", 0.0) == 0
    assert len(buckets) == 0
    assert buckets.take("one", 0.0) == 0
    assert buckets.wait("one", 0.25) == pytest.approx(0.75)
    assert buckets.wait("one", 1.0) == 0
    assert buckets.take("one", 1.0) == 0


def test_time_that_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(per_second=1.0, burst=1, now_s=5.0)
    assert bucket.take(5.0) == 0
    assert bucket.take(1.0) > 0
    assert bucket.take(5.5) == pytest.approx(0.5)


def test_the_key_unused_for_longest_is_forgotten() -> None:
    buckets = Buckets(per_second=0.001, burst=1, most=2)
    assert buckets.take("a", 0.0) == 0
    assert buckets.take("b", 1.0) == 0
    assert buckets.take("a", 2.0) > 0
    assert buckets.take("c", 3.0) == 0  # b goes, a was seen since
    assert len(buckets) == 2
    assert buckets.take("a", 4.0) > 0
    assert buckets.take("b", 5.0) == 0

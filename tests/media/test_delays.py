from __future__ import annotations

import numpy as np

from media.delays import Delays


def noted(*delays: int) -> Delays:
    seen = Delays()
    for delay in delays:
        seen.note(delay)
    return seen


def test_an_even_stream_has_no_spread_whatever_its_delay() -> None:
    seen = noted(*[-123_456] * 20)
    assert (seen.quickest, seen.spread) == (-123_456, 0)


def test_the_quickest_counts_at_once() -> None:
    assert noted(500, 400, 450).quickest == 400


def test_the_spread_covers_all_but_the_worst_few() -> None:
    jitter = np.random.default_rng(3).permutation(128) * 10
    assert 1_200 <= noted(*(int(j) for j in jitter)).spread <= 1_250
    one_bad = noted(*[0] * 127, 9_000)
    assert one_bad.spread == 0


def test_what_is_long_ago_is_forgotten() -> None:
    assert noted(0, 3_000, *[5_000] * 134).quickest == 5_000

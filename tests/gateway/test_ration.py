"""A flood becomes few lines, and a number."""

from __future__ import annotations

from gateway.ration import Ration


def test_what_was_kept_back_is_counted_once() -> None:
    ration = Ration(per_second=1.0, burst=2, now_s=0.0)
    assert [ration.take(0.0) for _ in range(5)] == [0, 0, None, None, None]
    assert ration.take(1.0) == 3
    assert ration.take(2.0) == 0

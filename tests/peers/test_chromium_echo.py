"""A sound's way from a real browser through the leg and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.peers.chromium import has_chromium
from tests.peers.chromiumecho import EVERY_S, round_trip_ms

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(not has_chromium(), reason="no Chromium, or no network of its own for it"),
]
SECONDS = 8.0
WITHIN_MS = 250  # other tests run beside this one; how soon on a quiet machine a benchmark says


def test_an_echo_is_heard(tmp_path: Path) -> None:
    """Once more where it took longer: other tests may hold up the machine."""
    took: list[float] = []
    while not took or (min(took) > WITHIN_MS and len(took) < 3):
        pips = round_trip_ms(tmp_path, seconds=SECONDS)
        assert len(pips) >= SECONDS // EVERY_S - 1
        took.append(float(np.median(pips)))
    assert min(took) <= WITHIN_MS, took

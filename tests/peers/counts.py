"""How often: a few times in every run, as often as is promised when there is time for it."""

from __future__ import annotations

import os


def count(reduced: int, full: int) -> int:
    """``full`` when the environment says ``PARLEY_SOAK=1``, as ``make soak`` does."""
    return full if os.environ.get("PARLEY_SOAK") == "1" else reduced

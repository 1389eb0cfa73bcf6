"""How many words two texts are apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Levenshtein's distance in words. Takes ``len(left)`` vector steps of ``len(right)``."""
    number: dict[str, int] = {}
    for word in [*left, *right]:
        number.setdefault(word, len(number))
    columns = np.array([number[word] for word in right], np.int64)
    steps = np.arange(len(right) + 1)
    row = steps.copy()
    for word in left:
        best = row + 1  # left out
        best[1:] = np.minimum(best[1:], row[:-1] + (columns != number[word]))
        # Putting words in costs one each, so from any earlier column: min over j of best[j] - j.
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])

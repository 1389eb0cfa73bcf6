from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.worddistance import distance


def plain_distance(left: list[str], right: list[str]) -> int:
    """The textbook's recursion, row by row."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row = row, [i]
        for j, b in enumerate(right, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
    return row[-1]


words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12)


@given(words, words)
def test_the_distance_is_levenshteins(left: list[str], right: list[str]) -> None:
    assert distance(left, right) == plain_distance(left, right)

"""A new source of packets is believed when the library has followed it, and not before."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from gateway.legs.sipsource import CONVINCED_S, Source

PHONE, OTHER, THIRD = "192.0.2.1:4000", "192.0.2.1:4002", "198.51.100.9:1"


def told(addresses: Iterable[str], *, every_s: float = 0.1) -> list[str]:
    source = Source()
    seen = [source.seen(one, now_s=tick * every_s) for tick, one in enumerate(addresses)]
    return [one for one in seen if one is not None]


def test_the_first_source_is_no_change() -> None:
    assert told(["", "", PHONE, *[PHONE] * 50]) == []


def test_a_phone_that_moves_is_told_once() -> None:
    assert told([PHONE, *[OTHER] * 100]) == [OTHER]
    assert told([PHONE, *[OTHER] * 50, *[PHONE] * 50]) == [OTHER, PHONE]


def test_it_takes_as_long_as_the_library_does() -> None:
    enough = round(CONVINCED_S / 0.1)
    assert told([PHONE, *[OTHER] * enough]) == []
    assert told([PHONE, *[OTHER] * (enough + 1)]) == [OTHER]


@given(st.lists(st.sampled_from([OTHER, THIRD]), max_size=19), st.integers(1, 20))
def test_strangers_among_the_packets_are_not_believed(others: list[str], times: int) -> None:
    assert told([PHONE, *others] * times) == []


def test_whoever_is_new_is_watched_closely() -> None:
    source, watched = Source(), []
    for now_s, address in enumerate([PHONE, OTHER, PHONE]):
        source.seen(address, now_s=now_s)
        watched.append(source.watched)
    assert watched == [False, True, False]

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.rtp import MAX_DROPOUT, MAX_MISORDER, Arrivals, RtpPacket


def packet(sequence: int, *, source: int = 1) -> RtpPacket:
    return RtpPacket(
        sequence=sequence % 2**16,
        timestamp=sequence * 960 % 2**32,
        payload=b"x",
        samples=320,
        source=source,
    )


def test_numbers_go_on_past_their_wrap() -> None:
    arrivals = Arrivals()
    first = 2**32 // 960 // 2**16 * 2**16 + 2**16 - 3  # both wrap within a few packets
    seen = [arrivals.admit(packet(first + n)) for n in range(6)]
    base = seen[0]
    assert base is not None
    for n, arrival in enumerate(seen):
        assert arrival is not None
        assert arrival.sequence == base.sequence + n
        assert arrival.timestamp == base.timestamp + 960 * n
    assert arrivals.lost == 0


@given(st.permutations(range(60)), st.sets(st.integers(1, 58)), st.integers(0, 2**16 - 1))
def test_lost_is_what_never_came_in_any_order(
    order: list[int], missing: set[int], first: int
) -> None:
    arrivals = Arrivals()
    for n in order:
        if n not in missing:
            assert arrivals.admit(packet(first + n)) is not None
            assert arrivals.admit(packet(first + n)) is None
    assert arrivals.received == arrivals.duplicate == 60 - len(missing)
    assert arrivals.lost == len(missing)


def test_only_a_packet_sent_after_all_others_is_fresh() -> None:
    arrivals = Arrivals()
    fresh = [a.fresh for n in (5, 7, 6, 8) if (a := arrivals.admit(packet(n))) is not None]
    assert fresh == [True, True, False, True]


def test_one_wild_number_is_refused_and_two_in_a_row_are_a_new_stream() -> None:
    arrivals = Arrivals()
    arrivals.admit(packet(1_000))
    assert arrivals.admit(packet(1_001 + MAX_DROPOUT)) is None
    assert arrivals.admit(packet(1_000 - MAX_MISORDER - 1)) is None
    going_on = arrivals.admit(packet(1_001))
    assert going_on is not None
    assert not going_on.restarted
    assert arrivals.admit(packet(40_000)) is None
    begun = arrivals.admit(packet(40_001))
    assert begun is not None
    assert begun.restarted
    assert (arrivals.stray, arrivals.lost) == (3, 0)


def test_another_source_is_another_stream_at_once() -> None:
    arrivals = Arrivals()
    arrivals.admit(packet(10))
    arrivals.admit(packet(12))  # one lost, which the change must not forget
    changed = arrivals.admit(packet(5, source=2))
    assert changed is not None
    assert changed.restarted
    assert arrivals.lost == 1

"""Streams that break off, jump or are nonsense: what no network simulation is needed for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import FormatMismatch
from media.frame import MEDIA_RATE, PACKET
from media.jitter import CONCEAL_MOST, Depth, JitterBuffer
from media.rtp import RtpPacket
from media.take import Fate

PHASE = 50  # ticks come a little after the packets


def test_a_pause_of_the_far_end_is_silence_and_not_loss() -> None:
    # DTX: 2 s without packets, sequence numbers go on, timestamps jump.
    buffer = JitterBuffer(clock_rate=48_000)
    fates: list[Fate] = []
    for tick in range(200):
        if not 50 <= tick < 150:
            n = tick if tick < 50 else tick - 100
            buffer.put(RtpPacket(n, tick * 960, b"x", PACKET), at=tick * PACKET)
        fates.append(buffer.take(at=tick * PACKET + PHASE).fate)
    assert set(fates[60:150]) == {Fate.SILENCE}
    assert set(fates[155:]) == {Fate.PLAY}
    counts = buffer.counts
    assert (counts.lost, counts.discarded, counts.concealed) == (0, 0, CONCEAL_MOST)


@pytest.mark.parametrize("jump", [700 * 48, -700 * 48, 10 * 48_000, -10 * 48_000, 2**31 - 5])
def test_after_a_jump_of_the_timestamps_sound_goes_on(jump: int) -> None:
    buffer = JitterBuffer(clock_rate=48_000)
    fates = []
    for tick in range(120):
        timestamp = (tick * 960 + (jump if tick >= 60 else 0)) % 2**32
        buffer.put(RtpPacket(tick, timestamp, b"x", PACKET), at=tick * PACKET)
        fates.append(buffer.take(at=tick * PACKET + PHASE).fate)
    assert fates[60:].count(Fate.PLAY) >= 55
    assert set(fates[70:]) == {Fate.PLAY}
    assert buffer.depth <= 3 * PACKET
    assert buffer.counts.target == 2 * PACKET


def test_another_source_is_heard_in_the_place_of_the_first() -> None:
    buffer = JitterBuffer(clock_rate=8_000)
    fates = []
    for tick in range(120):
        first = tick < 60
        sequence, timestamp = (tick, tick * 160) if first else (9_000 + tick, tick * 160 + 77_777)
        packet = RtpPacket(sequence, timestamp, b"x", PACKET, source=1 if first else 2)
        buffer.put(packet, at=tick * PACKET)
        fates.append(buffer.take(at=tick * PACKET + PHASE).fate)
    assert set(fates[70:]) == {Fate.PLAY}
    assert buffer.counts.lost == 0


def test_what_came_before_anybody_listened_is_not_delay() -> None:
    buffer = JitterBuffer(clock_rate=48_000)
    for n in range(500):
        buffer.put(RtpPacket(n, n * 960, n.to_bytes(2, "big"), PACKET), at=(n + 1) * PACKET)
    take = buffer.take(at=501 * PACKET)
    assert take.fate is Fate.PLAY
    assert int.from_bytes(take.payload, "big") >= 496


def test_a_hole_and_what_follows_it_do_not_outgrow_the_bound() -> None:
    depth = Depth()
    buffer = JitterBuffer(clock_rate=48_000, depth=depth)
    for n in range(4):
        buffer.put(RtpPacket(n, n * 960, b"x", PACKET), at=(n + 1) * PACKET)
    while buffer.take(at=5 * PACKET).fate is Fate.PLAY:
        pass
    before = buffer.counts.discarded
    last = 4 + depth.limit // PACKET
    for n in (last, *range(last + 1, last + 40)):  # as far ahead as is believed, then a burst
        buffer.put(RtpPacket(n, n * 960, b"x", PACKET), at=6 * PACKET)
        assert buffer.depth <= depth.limit + PACKET
    assert buffer.counts.discarded - before == 10  # of 40, of which the bound holds 30
    assert buffer.take(at=7 * PACKET).fate is Fate.PLAY


def test_an_empty_packet_is_nothing() -> None:
    buffer = JitterBuffer(clock_rate=48_000)
    buffer.put(RtpPacket(1, 1, b"", 0), at=0)
    assert buffer.take(at=PACKET).fate is Fate.SILENCE
    assert buffer.depth == 0


def test_a_depth_that_cannot_be_is_refused() -> None:
    with pytest.raises(FormatMismatch, match="at least"):
        JitterBuffer(clock_rate=48_000, depth=Depth(margin_most=5_000, limit=5_000))
    with pytest.raises(FormatMismatch, match="clock rate 0"):
        JitterBuffer(clock_rate=0)


@st.composite
def weather(draw: st.DrawFn) -> list[tuple[int, RtpPacket]]:
    """Up to 200 packets of any kind in any order, lost, doubled, delayed, and numbers gone mad."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    samples = draw(st.sampled_from([40, 160, 320, 480, 640, 960, 1_920]))
    loss, worst = draw(st.floats(0, 0.6)), draw(st.integers(0, MEDIA_RATE))
    mad = draw(st.sampled_from([0.0, 0.0, 0.05, 0.5]))
    first, epoch = draw(st.integers(0, 2**16 - 1)), draw(st.integers(0, 2**32 - 1))
    packets = []
    for n in range(200):
        wild = int(rng.integers(2**32)) if rng.random() < mad else 0
        for _ in range(int(rng.integers(1, 3))):
            if rng.random() < loss:
                continue
            packet = RtpPacket(
                sequence=(first + n + wild % 7) % 2**16,
                timestamp=(epoch + n * samples * 3 + wild) % 2**32,
                payload=b"x",
                samples=samples,
                source=int(wild % 97 == 1),
                redundant=bool(n % 2),
            )
            packets.append((n * samples + int(rng.integers(worst + 1)), packet))
    return sorted(packets, key=lambda one: one[0])


@settings(max_examples=150)
@given(weather(), st.booleans())
def test_whatever_comes_every_tick_has_its_sound_and_little_waits(
    arrivals: list[tuple[int, RtpPacket]], quiet: bool
) -> None:
    depth = Depth()
    buffer = JitterBuffer(clock_rate=48_000, depth=depth)
    held = taken = 0
    pending = list(arrivals)
    for now in range(PACKET, 300 * PACKET, PACKET):
        while pending and pending[0][0] <= now:
            at, packet = pending.pop(0)
            buffer.put(packet, at=at)
            assert buffer.depth <= depth.limit + packet.samples
        while held < PACKET:
            take = buffer.take(at=now, quiet=quiet)
            assert take.samples > 0
            assert (take.fate in (Fate.PLAY, Fate.RECOVER)) == bool(take.payload)
            held += take.samples
            taken += take.samples
        held -= PACKET
        assert taken == now + held
        assert held < 1_920
    counts = buffer.counts
    assert counts.received + counts.duplicate + counts.stray == len(arrivals) - len(pending)
    assert min(counts.lost, counts.late, counts.discarded, counts.silent) >= 0
    assert 2 * PACKET <= counts.target <= depth.margin_most + 1_920

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from media.frame import MEDIA_RATE, PACKET
from media.jitter import CONCEAL_MOST, PATIENCE, SLACK, Depth, JitterBuffer
from media.rtp import RtpPacket
from media.take import Fate, Spare, Take

MS = MEDIA_RATE // 1_000
PHASE = 50  # packets come a little after the tick, as bad as it gets


@dataclass(frozen=True)
class Sent:
    """Packet ``index`` of a stream, and when it arrives."""

    index: int
    at: int


@dataclass
class Heard:
    """What came out: each take, when, and how old the played packets were."""

    buffer: JitterBuffer
    takes: list[tuple[int, Take]] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)

    def longest_hole(self) -> int:
        """Samples in a row, after the first packet, that were made up or silent."""
        longest = run = 0
        started = False
        for _, take in self.takes:
            if take.fate in (Fate.PLAY, Fate.RECOVER):
                started, run = True, 0
            elif started:
                run += take.samples
                longest = max(longest, run)
        return longest


def stream(count: int, *, samples: int = PACKET, missing: Collection[int] = ()) -> list[Sent]:
    """Packets are complete, and come, when their sound is over."""
    return [Sent(n, (n + 1) * samples + PHASE) for n in range(count) if n not in missing]


def listen(
    arrivals: Sequence[Sent],
    *,
    ticks: int,
    samples: int = PACKET,
    clock_rate: int = 48_000,
    redundant: bool = False,
    quiet: Callable[[int], bool] = lambda _: False,
) -> Heard:
    """Run a buffer over it as ``Reception`` does; ``quiet`` says which packets are silent."""
    heard = Heard(JitterBuffer(clock_rate=clock_rate))
    coming = sorted(arrivals, key=lambda sent: sent.at)
    held, was_quiet = 0, False
    for now in range(PACKET, (ticks + 1) * PACKET, PACKET):
        while coming and coming[0].at <= now:
            sent = coming.pop(0)
            packet = RtpPacket(
                sequence=(65_500 + sent.index) % 2**16,
                timestamp=(2**32 - 9_000 + sent.index * samples * clock_rate // MEDIA_RATE) % 2**32,
                payload=sent.index.to_bytes(4, "big"),
                samples=samples,
                redundant=redundant,
            )
            heard.buffer.put(packet, at=sent.at)
        left_out = False
        while held < PACKET:
            take = heard.buffer.take(at=now, quiet=was_quiet)
            index = int.from_bytes(take.payload, "big")
            was_quiet = take.fate is Fate.SILENCE or (take.fate is Fate.PLAY and quiet(index))
            spare = take.spare is Spare.YES or (take.spare is Spare.IF_SILENT and was_quiet)
            if spare and not left_out:
                heard.buffer.left_out()
                left_out = True
                continue
            if take.fate is Fate.PLAY:
                heard.delays.append(now - PACKET + held - index * samples)
                heard.indices.append(index)
            heard.takes.append((now, take))
            held += take.samples
        held -= PACKET
    return heard


@pytest.mark.parametrize(
    ("samples", "clock_rate", "delay"),
    [(160, 48_000, 20), (320, 48_000, 40), (640, 48_000, 60), (960, 48_000, 80),
     (320, 8_000, 40), (480, 8_000, 40)],
)  # fmt: skip
def test_an_even_stream_is_played_whole_after_one_packet_and_the_margin(
    samples: int, clock_rate: int, delay: int
) -> None:
    ticks = 300 * samples // PACKET
    heard = listen(
        stream(300, samples=samples), ticks=ticks, samples=samples, clock_rate=clock_rate
    )
    assert {take.fate for _, take in heard.takes[5:]} == {Fate.PLAY}
    assert heard.indices == list(range(len(heard.indices)))
    assert max(heard.delays) <= delay * MS + PACKET
    assert heard.delays[-1] == heard.delays[0]
    assert heard.buffer.counts.silent <= delay * MS + PACKET


def test_a_lost_packet_costs_its_own_time_and_nothing_after() -> None:
    heard = listen(stream(100, missing={50}), ticks=100)
    made_up = [take for _, take in heard.takes if take.fate is Fate.CONCEAL]
    assert [take.samples for take in made_up] == [PACKET]
    assert set(heard.delays) == {heard.delays[0]}
    assert (heard.buffer.counts.lost, heard.buffer.counts.concealed) == (1, PACKET)


def test_a_lost_packet_is_recovered_from_its_successor() -> None:
    heard = listen(stream(100, missing={50}), ticks=100, redundant=True)
    (take,) = [take for _, take in heard.takes if take.fate is Fate.RECOVER]
    assert int.from_bytes(take.payload, "big") == 51
    assert take.samples == PACKET
    assert (heard.buffer.counts.recovered, heard.buffer.counts.concealed) == (1, 0)
    assert 51 in heard.indices


def test_of_two_lost_packets_the_second_is_recovered() -> None:
    # Deep enough that the packet after both is there in time.
    heard = Heard(JitterBuffer(clock_rate=48_000, depth=Depth(margin=4 * PACKET)))
    for n in (0, 1, 4, 5):
        packet = RtpPacket(n, n * 960, bytes([n]), PACKET, redundant=True)
        heard.buffer.put(packet, at=(n + 1) * PACKET)
    takes = [heard.buffer.take(at=6 * PACKET) for _ in range(6)]
    fates = [take.fate for take in takes]
    assert fates == [Fate.PLAY, Fate.PLAY, Fate.CONCEAL, Fate.RECOVER, Fate.PLAY, Fate.PLAY]


@pytest.mark.parametrize("redundant", [False, True])
@pytest.mark.parametrize("quiet", [lambda _: False, lambda _: True, lambda n: n % 9 > 4])
def test_five_percent_of_loss_never_stalls_for_long_nor_adds_delay(
    redundant: bool, quiet: Callable[[int], bool]
) -> None:
    lost = set(np.flatnonzero(np.random.default_rng(5).random(3_000) < 0.05).tolist()) - {0}
    arrivals = stream(3_000, missing=lost)
    heard = listen(arrivals, ticks=3_000, redundant=redundant, quiet=quiet)
    assert heard.longest_hole() <= 60 * MS
    assert set(heard.delays) == {heard.delays[0]}
    assert heard.buffer.counts.lost == len(lost)
    assert (
        heard.indices
        == [n for n in range(len(heard.indices) + len(lost)) if n not in lost][: len(heard.indices)]
    )


def test_concealment_ends_after_60_ms_and_sound_comes_back_as_prompt_as_before() -> None:
    heard = listen(stream(100, missing=range(40, 60)), ticks=100)
    gap = [take.fate for _, take in heard.takes if take.fate is not Fate.PLAY][2:]
    assert gap[: CONCEAL_MOST // PACKET] == [Fate.CONCEAL] * 3
    assert set(gap[3:]) == {Fate.SILENCE}
    assert set(heard.delays) == {heard.delays[0]}


def test_order_is_put_right_within_the_wait() -> None:
    swapped = [replace(s, at=s.at + 25 * MS) if s.index == 9 else s for s in stream(40)]
    heard = listen(swapped, ticks=40)
    assert heard.indices == list(range(len(heard.indices)))
    # With the margin of 20 ms it was too late by a moment: the wait is now longer by that.
    assert heard.buffer.counts.late + heard.buffer.counts.concealed // PACKET <= 2


def test_a_packet_after_its_turn_is_dropped_and_counted() -> None:
    tardy = [replace(s, at=s.at + 100 * MS) if s.index == 20 else s for s in stream(60)]
    heard = listen(tardy, ticks=60)
    assert 20 not in heard.indices
    assert heard.buffer.counts.late == 1
    assert heard.buffer.counts.lost == 0
    assert set(heard.delays) == {heard.delays[0]}


def test_a_duplicate_is_heard_once() -> None:
    heard = listen([s for s in stream(40) for _ in range(2)], ticks=40)
    assert heard.indices == list(range(len(heard.indices)))
    assert heard.buffer.counts.duplicate == 39


def stalled(count: int, *, begin: int, end: int) -> list[Sent]:
    """Nothing comes from ``begin`` to ``end``, then all at once."""
    return [replace(s, at=end) if begin <= s.at < end else s for s in stream(count)]


def test_what_a_stall_held_up_is_played_and_its_delay_shed_in_silence() -> None:
    arrivals = stalled(600, begin=4_000 * MS, end=4_200 * MS)
    heard = listen(arrivals, ticks=600, quiet=lambda n: n % 50 >= 40)
    said = [n for n in range(550) if n % 50 < 40]
    assert set(said) <= set(heard.indices)  # not a word is missing
    assert max(heard.delays) >= 150 * MS
    assert heard.delays[-1] <= heard.delays[0] + SLACK
    assert heard.buffer.counts.discarded == heard.indices[-1] + 1 - len(heard.indices)


def test_without_silence_the_delay_is_shed_a_packet_at_a_time() -> None:
    heard = listen(stalled(600, begin=4_000 * MS, end=4_200 * MS), ticks=600)
    assert heard.delays[-1] <= heard.delays[0] + SLACK
    left_out = sorted(set(range(heard.indices[-1])) - set(heard.indices))
    assert left_out
    assert left_out[0] * PACKET >= 4_000 * MS + PATIENCE - 200 * MS
    assert min(np.diff(left_out)) >= 10


def test_jitter_makes_the_wait_as_long_as_it_must_be() -> None:
    late = np.random.default_rng(7).uniform(0, 100, 3_000)
    arrivals = [replace(s, at=s.at + int(late[s.index] * MS)) for s in stream(3_000)]
    heard = listen(arrivals, ticks=3_000, quiet=lambda n: n % 50 >= 45)
    counts = heard.buffer.counts
    assert 60 * MS <= counts.target - PACKET <= 100 * MS
    after = heard.indices[heard.indices.index(600) :] if 600 in heard.indices else heard.indices
    missing = after[-1] + 1 - after[0] - len(after)
    assert missing <= 0.05 * len(after)
    assert max(heard.delays) <= 200 * MS


@pytest.mark.parametrize("drift", [-0.005, 0.005])
def test_clocks_that_drift_apart_cost_no_growing_delay(drift: float) -> None:
    # 0.5 %, fifty times what cheap hardware does: 300 ms in a minute.
    arrivals = [replace(s, at=int(s.at * (1 + drift))) for s in stream(3_100)]
    heard = listen(arrivals, ticks=3_000, quiet=lambda n: n % 50 >= 45)
    # A packet's age on the sender's own clock.
    ages = [d - int(n * PACKET * drift) for d, n in zip(heard.delays, heard.indices, strict=True)]
    assert max(ages) <= 40 * MS + SLACK + PACKET
    assert heard.longest_hole() <= PACKET
    assert heard.buffer.counts.late == 0


def test_a_longer_way_is_no_reason_to_leave_anything_out() -> None:
    longer = [replace(s, at=s.at + (300 * MS if s.index >= 200 else 0)) for s in stream(600)]
    heard = listen(longer, ticks=600, quiet=lambda n: n % 50 >= 25)
    counts = heard.buffer.counts
    assert heard.indices == list(range(len(heard.indices)))
    assert (counts.discarded, counts.late) == (0, 0)
    assert counts.concealed <= CONCEAL_MOST
    assert heard.delays[-1] <= heard.delays[0] + 300 * MS + SLACK

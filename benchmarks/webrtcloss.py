"""What becomes of the caller's sound when packets get lost, late or out of order.

Callers do it to their own packets before they send them, and hear the echo (``webrtcecho``), of
our leg and of stock aiortc in the same run; the way back loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.webrtcecho import SERVERS, Moment, Run, run, trips_ms
from benchmarks.webrtcvoice import PACKET_S

STALL_MS = 60.0  # bars, with 5 % of packets lost
ADDED_MS = 1_000 * PACKET_S  # less than one packet cannot be told from a shift of the phase
FIRST_S, CLEAN_S, AFTER_S = 2.0, 4.0, 2.0  # what was before; then it happens; then what is left
RANDOM_S, EVENT_S = 20.0, 2.0
REST_S = 8.0  # without any loss
SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Trouble:
    """For ``lasts_s``, ``late`` says of each packet how late it comes, s; ``None``: never."""

    name: str
    lasts_s: float
    late: Callable[[np.random.Generator, int], Sequence[float | None]]

    @property
    def seconds(self) -> float:
        """Of a whole call."""
        return CLEAN_S + self.lasts_s + REST_S

    def plan(self, caller: int) -> list[tuple[float, int]]:
        """When each packet arrives, in the order of arrival."""
        first, count = round(CLEAN_S / PACKET_S), round(self.lasts_s / PACKET_S)
        fates = self.late(np.random.default_rng(caller), count)
        coming = [
            (number * PACKET_S + late_s, number)
            for number in range(round(self.seconds / PACKET_S))
            for late_s in [fates[number - first] if 0 <= number - first < count else 0.0]
            if late_s is not None
        ]
        return sorted(coming)


def _random(generator: np.random.Generator, count: int) -> list[float | None]:
    return [None if lost else 0.0 for lost in generator.random(count) < SHARE]


def _lost(run_of: int) -> Callable[[np.random.Generator, int], list[float | None]]:
    return lambda _, count: [None] * run_of + [0.0] * (count - run_of)


def _overtaken(_: np.random.Generator, count: int) -> list[float | None]:
    """Every tenth packet comes after the next one."""
    return [1.5 * PACKET_S if number % 10 == 0 else 0.0 for number in range(count)]


def _step(_: np.random.Generator, count: int) -> list[float | None]:
    """The way becomes 100 ms longer; at the end what is on it comes all at once."""
    return [min(0.1, (count - number) * PACKET_S) for number in range(count)]


TROUBLES = (
    Trouble("5 % at random", RANDOM_S, _random),
    Trouble("one packet", EVENT_S, _lost(1)),
    Trouble("ten packets in a row", EVENT_S, _lost(10)),
    Trouble("one in ten overtaken", EVENT_S, _overtaken),
    Trouble("100 ms later for 2 s", EVENT_S, _step),
)


@dataclass(frozen=True, slots=True)
class Damage:
    """Worst of the callers but for the shares, which are of all.

    ``stall_ms``: the longest time without any sound of the caller's own; ``silence_ms``: without
    any sound at all. ``added_ms``: by how much the round trip is longer at the end, when nothing
    has been lost for a while. ``lost`` of the packets sent; ``recovered`` of them, as the leg
    counted; ``filled``: packets that came back with a sound that was not said.
    """

    what: str
    trouble: Trouble
    stall_ms: float
    silence_ms: float
    before_ms: float
    added_ms: float
    lost: int
    recovered: int | None
    filled: int

    @property
    def good(self) -> bool:
        """Whether our bar is kept, where there is one."""
        judged = self.what == "leg" and self.trouble.name == TROUBLES[0].name
        return not judged or (self.stall_ms <= STALL_MS and round(self.added_ms) <= ADDED_MS)


def damages(names: Collection[str]) -> list[Damage]:
    """Each of those troubles, of each server."""
    return [
        _damage(trouble, run(what, plan=trouble.plan, seconds=trouble.seconds))
        for trouble in TROUBLES
        for what in SERVERS
        if trouble.name in names
    ]


def _damage(trouble: Trouble, found: Run) -> Damage:
    until_s = CLEAN_S + trouble.lasts_s + REST_S - 0.5
    before = [_median(call, since_s=FIRST_S, until_s=CLEAN_S) for call in found.heard]
    after = [_median(call, since_s=until_s - AFTER_S, until_s=until_s) for call in found.heard]
    sent = round(trouble.seconds / PACKET_S)
    counts = [figures["webrtc"] for figures in found.figures]
    return Damage(
        what=found.what,
        trouble=trouble,
        stall_ms=max(longest_ms(call, until_s, own=True) for call in found.heard),
        silence_ms=max(longest_ms(call, until_s, own=False) for call in found.heard),
        before_ms=float(np.median(before)),
        added_ms=float(np.max(np.subtract(after, before))),
        lost=sum(sent - len(trouble.plan(caller)) for caller in range(len(found.heard))),
        recovered=sum(one["recovered"] for one in counts) if counts else None,
        filled=sum(
            one.trip_s is None and not one.silent and CLEAN_S <= one.at_s < until_s
            for call in found.heard
            for one in call
        ),
    )


def _median(moments: list[Moment], *, since_s: float, until_s: float) -> float:
    return float(np.median(trips_ms(moments, since_s=since_s, until_s=until_s)))


def longest_ms(moments: list[Moment], until_s: float, *, own: bool) -> float:
    """Between two packets that have sound, less the 20 ms that the first of them lasts."""
    at = [
        one.at_s
        for one in moments
        if FIRST_S <= one.at_s < until_s and (one.trip_s is not None if own else not one.silent)
    ]
    return max(0.0, 1_000 * (float(np.max(np.diff(at))) - PACKET_S))


def show(console: Console, found: Sequence[Damage]) -> None:
    """A row each."""
    table = Table(title="the caller's sound in trouble: worst of four callers, ms; packets of all")
    names = ("without own sound", "silent", "trip before", "added for good")
    counts = ("lost", "recovered", "filled")
    table.add_column("trouble")
    table.add_column("what")
    for name in (*names, *counts):
        table.add_column(name, justify="right")
    for one in found:
        figures = (one.stall_ms, one.silence_ms, one.before_ms, one.added_ms)
        table.add_row(
            one.trouble.name,
            one.what,
            *(f"{figure:.0f}" for figure in figures),
            str(one.lost),
            "" if one.recovered is None else str(one.recovered),
            str(one.filled),
        )
    console.print(table)
    console.print(
        f"bar of the leg with {TROUBLES[0].name}: {STALL_MS:g} ms without own sound, "
        f"{ADDED_MS:g} ms added",
        highlight=False,
    )

"""From the engine's decision to be silent to the last packet with sound, seen on the wire."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.sipcaller import Arrival, Caller
from benchmarks.sipgateway import watched
from benchmarks.sipload import RATE, free_port
from gateway.legs.sipsettings import TICK_MS, WorkerSettings
from media.tones import tone

RING_MS = WorkerSettings().ring * TICK_MS
BAR_MS = 40  # beyond the ring, p95
CALLERS = 5
SPEECH_MS = 600  # the engine gives way after 320 and takes a turn for ended 400 after it
WITHIN_S = 15.0
AFTER_S, BEFORE_S = 0.6, 0.3


@dataclass(frozen=True, slots=True)
class Stops:
    """Milliseconds from each decision to the arrival of the last loud packet."""

    ms: list[float]
    asked: int
    load: float

    @property
    def p95(self) -> float:
        """Of them."""
        return float(np.percentile(self.ms, 95))

    @property
    def good(self) -> bool:
        """Whether every interruption stopped the bot, and within the bar."""
        return len(self.ms) == self.asked and self.p95 <= RING_MS + BAR_MS


def interrupt(folder: Path, *, times: int, callers: int, seed: int) -> Stops:
    """Speak over the bot ``times`` times, from several calls and at moments of no rhythm."""
    port, rounds = free_port(), -(-times // callers)
    moments = np.random.default_rng(seed).uniform(0.3, 0.6, (rounds, callers))
    with watched("cuts", port=port, folder=folder) as decided, ExitStack() as calls:
        people = [
            calls.enter_context(Caller(port, phase_s=n * 0.02 / callers))
            for n in range(callers)  # one after the other: the engine numbers them so
        ]
        for each in moments:
            _round(people, each)
        time.sleep(1.0)
    ms = [
        last
        for call, at_ns in decided
        if (last := last_sound_ms(people[call - 1].arrivals, at_ns / 1e9)) is not None
    ]
    return Stops(ms, rounds * callers, os.getloadavg()[0])


def _round(callers: Sequence[Caller], pauses_s: Sequence[float]) -> None:
    """Everybody waits for the bot to speak, a little more, and speaks over it."""
    waiting = dict(enumerate(callers))
    due: dict[int, float] = {}
    give_up = time.monotonic() + WITHIN_S
    while waiting or due:
        time.sleep(0.01)
        if time.monotonic() > give_up:
            raise SystemExit("the bot does not speak")
        for number, caller in list(waiting.items()):
            if caller.loud_since(time.time() - 0.05):
                due[number] = time.monotonic() + pauses_s[number]
                del waiting[number]
        for number, at in list(due.items()):
            if time.monotonic() >= at:
                callers[number].say(tone(500, SPEECH_MS * RATE // 1000, rate=RATE, amplitude=0.2))
                del due[number]
    time.sleep(SPEECH_MS / 1000 + 0.1)  # until it is quiet: its next turn is not this one's


def last_sound_ms(arrivals: Sequence[Arrival], decided_s: float) -> float | None:
    """``None`` if it was not speaking, or did not stop."""
    near = [a for a in arrivals if decided_s - BEFORE_S <= a.at_s <= decided_s + AFTER_S]
    loud = [a.at_s for a in near if a.loud]
    if not loud or not near or loud[0] > decided_s or loud[-1] > decided_s + AFTER_S / 2:
        return None
    return 1000 * (loud[-1] - decided_s)


def show(console: Console, stops: Stops) -> None:
    """One row, and the bar."""
    table = Table(title="barge-in: from the decision to the last packet with sound, ms")
    for name in ("interruptions", "stopped", "p50", "p95", "worst", "beyond the ring, p95", "load"):
        table.add_column(name, justify="right")
    p50, worst = np.percentile(stops.ms, 50), max(stops.ms)
    figures = (p50, stops.p95, worst, stops.p95 - RING_MS)
    ms = [f"{value:.0f}" for value in figures]
    table.add_row(str(stops.asked), str(len(stops.ms)), *ms, f"{stops.load:.1f}")
    console.print(table)
    console.print(f"ring: {RING_MS} ms; bar: {BAR_MS} ms beyond it", highlight=False)

"""How long a sound is under way through the leg alone, and how evenly packets leave.

The gateway hands each packet straight back (no frame of 80 ms, no depth, no engine); beside it,
in the same run, pjsua2 alone, which does so inside the library.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.sipcaller import Caller
from benchmarks.sipgateway import watched
from benchmarks.sipload import RATE, free_port
from benchmarks.sipnative import native
from media.tones import tone

CALLERS = 8
SETTLE_S = 2.0  # the jitter buffer's first guess is too long
PIP_S, EVERY_S = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Echo:
    """Of ``what``: round trips and the time between one packet's arrival and the next, ms."""

    what: str
    asked: int
    trips_ms: list[float]
    gaps_ms: list[float]
    load: float


def echoes(folder: Path, *, pips: int, callers: int) -> list[Echo]:
    """Several callers, each sending in another phase of the gateway's tick, make ``pips`` pips."""
    port = free_port()
    with native(port=port, calls=callers, rate=RATE):
        alone = _echo("pjsua2 alone", port=port, pips=pips, callers=callers)
    port = free_port()
    with watched("echo", port=port, folder=folder):
        leg = _echo("leg, echoed in the gateway", port=port, pips=pips, callers=callers)
    return [alone, leg]


def _echo(what: str, *, port: int, pips: int, callers: int) -> Echo:
    rounds = -(-pips // callers)
    pip = tone(1_000, round(PIP_S * RATE), rate=RATE, amplitude=0.5)
    with ExitStack() as calls:
        people = [
            calls.enter_context(Caller(port, phase_s=n * 0.02 / callers)) for n in range(callers)
        ]
        began = time.time() + SETTLE_S
        time.sleep(SETTLE_S)
        for _ in range(rounds):
            for caller in people:
                caller.say(pip)
            time.sleep(EVERY_S)
    trips = [trip for caller in people for trip in _trips_ms(caller)]
    gaps = [gap for caller in people for gap in _gaps_ms(caller, since_s=began)]
    return Echo(what, rounds * callers, trips, gaps, os.getloadavg()[0])


def _trips_ms(caller: Caller) -> Iterator[float]:
    heard = np.array([arrival.at_s for arrival in caller.arrivals if arrival.loud])
    for sent in caller.sent_loud_s:
        after = heard[(heard > sent) & (heard < sent + EVERY_S)]
        if len(after):
            yield 1000 * float(after[0] - sent)


def _gaps_ms(caller: Caller, *, since_s: float) -> list[float]:
    at = [arrival.at_s for arrival in caller.arrivals if arrival.at_s >= since_s]
    return [1000 * float(gap) for gap in np.diff(at)]


def show(console: Console, found: list[Echo]) -> None:
    """A row each."""
    table = Table(title="leg alone: round trip of a pip, and spacing of the packets sent, ms")
    names = ("pips", "heard", "trip p50", "p95", "worst", "spacing p50", "p99", "worst", "load")
    table.add_column("what")
    for name in names:
        table.add_column(name, justify="right")
    for echo in found:
        trips, gaps = np.array(echo.trips_ms), np.array(echo.gaps_ms)
        figures = (*np.percentile(trips, [50, 95, 100]), *np.percentile(gaps, [50, 99, 100]))
        counts = (str(echo.asked), str(len(trips)))
        table.add_row(echo.what, *counts, *(f"{f:.1f}" for f in figures), f"{echo.load:.1f}")
    console.print(table)

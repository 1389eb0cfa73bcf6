"""Many calls for long: do both channels of the recordings stay together, and was nothing lost?

Callers say a pip every second and the engine echoes it, so each recording tells the delay from
left to right once a second; a channel that drifted would change it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.sipcpu import between, read
from benchmarks.sipload import callers, pips
from benchmarks.sipserved import served, stereo
from media.frame import MEDIA_RATE

BAR_MS = 20.0
SOME = 10  # pips whose median is their usual delay
LOUD = 0.2 * 32_768
APART = MEDIA_RATE // 2  # a pip begins where it was quiet for so long
COUNTED = ("starved", "splices", "overruns", "unreported")


@dataclass(frozen=True, slots=True)
class Kept:
    """One call. ``late_ms``: how much longer it took by the wall's clock than by its own.

    ``drift_ms``: by how much the usual delay of any ten pips differs from that of the first ten;
    ``jump_ms``: the same of any one pip. A machine that held the gateway up leaves a hole in the
    right channel, and the delay is longer until the playout has caught up in a silence: a jump.
    ``heard`` and ``echoed`` pips; ``counts`` of its packets, as ``call.json`` has them.
    """

    heard: int
    echoed: int
    delay_ms: float
    drift_ms: float
    jump_ms: float
    late_ms: float
    underruns: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Soak:
    """All calls, and the cores they took."""

    seconds: float
    calls: list[Kept]
    cores: float
    load: float

    @property
    def good(self) -> bool:
        """Whether the channels stayed together and the worker's rings held everything."""
        return all(c.drift_ms <= BAR_MS and not c.counts["overruns"] for c in self.calls)


def soak(folder: Path, *, calls: int, seconds: float) -> Soak:
    """So many calls at once for so long."""
    with served(folder, seats=calls, overrides=("bot=echo",)) as product:
        first = read(product.pid, product.worker)
        with callers(
            folder / "sipp", port=product.port, calls=calls, talk_s=seconds, said=pips(seconds=1)
        ):
            pass
        spent = between(first, read(product.pid, product.worker))
    cores = (spent.of(product.pid) + spent.of(product.worker)) / seconds
    kept = [kept_of(path, call, seconds=seconds) for path, call in product.folders().items()]
    if len(kept) != calls:
        raise SystemExit(f"{calls} calls were made, {len(kept)} left a folder")
    return Soak(seconds, kept, cores, os.getloadavg()[0])


def kept_of(folder: Path, call: Mapping[str, Any], *, seconds: float) -> Kept:
    left, right = (onsets(track) for track in stereo(folder / "call.wav"))
    places = np.searchsorted(right, left, side="right")
    matched = places < len(right)
    delays = (right[places[matched]] - left[matched]) * 1000 / MEDIA_RATE
    delays = delays[delays < 1000]
    if len(delays) < 2 * SOME:
        raise SystemExit(f"{folder}: {len(left)} pips heard, {len(delays)} echoed")
    tens = np.median(delays[: len(delays) // SOME * SOME].reshape(-1, SOME), axis=1)
    return Kept(
        heard=len(left),
        echoed=len(delays),
        delay_ms=float(tens[0]),
        drift_ms=float(np.abs(tens - tens[0]).max()),
        jump_ms=float(np.abs(delays - tens[0]).max()),
        late_ms=1000 * seconds - call["duration"] * 1000 / MEDIA_RATE,
        underruns=call["playout"]["underruns"],
        counts={name: call["rtp"][name] for name in COUNTED},
    )


def onsets(pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
    """Where pips begin, in samples."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > LOUD)
    return loud[np.diff(loud, prepend=-2 * APART) > APART]


def show(console: Console, soaked: Soak) -> None:
    """One row for all calls: sums and worst."""
    calls = soaked.calls
    table = Table(title=f"{len(calls)} calls at once for {soaked.seconds:g} s")
    table.add_column("what")
    table.add_column("all calls", justify="right")
    late = [call.late_ms for call in calls]
    rows = {
        "pips heard, echoed": f"{sum(c.heard for c in calls)}, {sum(c.echoed for c in calls)}",
        "delay left to right, ms": _range([call.delay_ms for call in calls]),
        f"its drift, ms (bar {BAR_MS:g})": _range([call.drift_ms for call in calls]),
        "its largest jump, ms": _range([call.jump_ms for call in calls]),
        "wall time less media time, ms": _range(late),
        "underruns of the playout": str(sum(call.underruns for call in calls)),
        "% of a core per call, all told": f"{100 * soaked.cores / len(calls):.2f}",
        "load": f"{soaked.load:.1f}",
    }
    for name in COUNTED:
        rows[f"worker's rings: {name}"] = str(sum(call.counts[name] for call in calls))
    for what, figure in rows.items():
        table.add_row(what, figure)
    console.print(table)


def _range(values: list[float]) -> str:
    return f"{min(values):.1f} to {max(values):.1f}"

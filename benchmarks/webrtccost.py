"""What a call of a browser costs: our leg alone, the whole gateway, and stock aiortc in one run.

All speak all the time, both ways, which no conversation does. Stock aiortc only gives every
caller's track back: no 16 kHz, no frames.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.sipcpu import PROC, between, read
from benchmarks.sipload import free_port
from benchmarks.sipserved import parley_serve
from benchmarks.webrtccaller import crowd
from benchmarks.webrtcserver import Serving, serving
from benchmarks.webrtcvoice import voice
from bot.engines.scripted import WORD
from media.frame import MEDIA_RATE

BAR = 0.025  # of a core, a call, of the leg alone
AT = 20  # calls at which the bar counts
SETTLE_S, LEAD_S = 3.0, 60.0
LINE = "one two three four five six seven eight nine ten"  # one after the other without a pause
LINE_MS = 1_000 * WORD * len(LINE.split()) // MEDIA_RATE
KINDS = ("stock aiortc", "leg", "gateway")


@dataclass(frozen=True, slots=True)
class Cost:
    """With so many calls: cores that the server and the callers took, and its memory.

    ``rss_mb`` is what the calls added to a server without any. ``late_ms``: of each packet from
    the server, against its call's quickest; ``missing``: packets that a stream without holes
    would have had.
    """

    kind: str
    calls: int
    server: float
    callers: float
    others: float
    rss_mb: float
    late_ms: list[float]
    packets: int
    missing: int
    load: float

    @property
    def per_call(self) -> float:
        """Of a core."""
        return self.server / self.calls

    @property
    def good(self) -> bool:
        """Whether the bar is kept."""
        return self.kind != "leg" or self.calls != AT or self.per_call <= BAR


def costs(
    folder: Path, *, kinds: Sequence[str], counts: Sequence[int], seconds: float, rounds: int
) -> Iterator[Cost]:
    """The quietest of ``rounds``, in each of which every kind has its turn.

    What others run adds to a cost, by what it throws out of the caches, or takes from it: who is
    held up finds more to do at once.
    """
    said = folder / "voice.npy"
    np.save(said, voice())
    for calls in counts:
        found: dict[str, list[Cost]] = {kind: [] for kind in kinds}
        for turn in range(rounds):
            for kind in kinds:
                place = folder / f"{kind}-{calls}-{turn}"
                server = _server(kind, place, voice=said, calls=calls, seconds=seconds)
                found[kind].append(_cost(kind, server, calls=calls, voice=said, seconds=seconds))
        for kind in kinds:
            yield min(found[kind], key=lambda cost: cost.others)


def _server(
    kind: str, folder: Path, *, voice: Path, calls: int, seconds: float
) -> AbstractContextManager[Serving]:
    if kind == "gateway":
        return _gateway(folder, seats=calls, seconds=seconds)
    return serving({"stock aiortc": "stock", "leg": "leg"}[kind], voice=voice)


def _cost(
    kind: str, server: AbstractContextManager[Serving], *, calls: int, voice: Path, seconds: float
) -> Cost:
    with server as here:
        idle_mb = _rss_mb(here.pid)
        with crowd(here.url, calls, voice=voice) as people:
            time.sleep(SETTLE_S)
            first = read(here.pid, people.pid)
            time.sleep(seconds)
            spent = between(first, read(here.pid, people.pid))
            full_mb = _rss_mb(here.pid)
    return Cost(
        kind=kind,
        calls=calls,
        server=spent.of(here.pid) / spent.wall_s,
        callers=spent.of(people.pid) / spent.wall_s,
        others=spent.others_s / spent.wall_s,
        rss_mb=full_mb - idle_mb,
        late_ms=[ms for one in people.heard for ms in one.late_ms],
        packets=sum(one.packets for one in people.heard),
        missing=sum(one.missing for one in people.heard),
        load=os.getloadavg()[0],
    )


@contextmanager
def _gateway(folder: Path, *, seats: int, seconds: float) -> Iterator[Serving]:
    """``parley serve`` with the scripted engine, which never stops, and recordings."""
    folder.mkdir(parents=True)
    port = free_port()
    starts_ms = range(0, round(1_000 * (seconds + LEAD_S)), LINE_MS)
    lines = ",".join(f"{{say: {LINE}, at_ms: {at}}}" for at in starts_ms)
    words = ["sip.enabled=false", f"recording.dir={folder / 'calls'}", "bot=scripted"]
    words += [f"bot.seats={seats}", f"bot.script.lines=[{lines}]"]
    with parley_serve(words, http=port, log=folder / "log.txt") as pid:
        yield Serving(pid, f"http://127.0.0.1:{port}/whip")


def _rss_mb(pid: int) -> float:
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def show(console: Console, found: Sequence[Cost]) -> None:
    """A row for each kind and number of calls."""
    table = Table(title="% of a core per call; memory per call; how late packets were, ms")
    names = ("calls", "server", "callers", "MB", "late p50", "p99", "worst", "packets", "missing")
    table.add_column("what")
    for name in (*names, "others, cores", "load"):
        table.add_column(name, justify="right")
    for cost in sorted(found, key=lambda cost: KINDS.index(cost.kind)):
        late = np.percentile(cost.late_ms, [50, 99, 100])
        table.add_row(
            cost.kind,
            str(cost.calls),
            *(f"{100 * part / cost.calls:.2f}" for part in (cost.server, cost.callers)),
            f"{cost.rss_mb / cost.calls:.1f}",
            *(f"{ms:.1f}" for ms in late),
            *(str(count) for count in (cost.packets, cost.missing)),
            *(f"{figure:.1f}" for figure in (cost.others, cost.load)),
        )
    console.print(table)
    console.print(f"bar of the leg with {AT} calls: {100 * BAR:g} %", highlight=False)

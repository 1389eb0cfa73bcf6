"""``GET /v1/calls`` over many calls: from the index, and from the folders without one.

    python -m benchmarks.callindex [--calls 100000] [--days 365]

Makes so many call folders with a ``call.json`` each, of which every thousandth has the outcome
``caller/ice-failed``, and asks for pages of 50 of them as the HTTP interface does: ``index`` is
what ``parley serve`` has, ``folders`` the same question without an index, each the median and the
longest of some runs. Before that: what it costs to make the index, to start with one that is
right, and to start with one that lacks a day. ``late`` is how late a timer of 1 ms came meanwhile,
at the 99th percentile and at worst: what the packet of a call would have had to wait, to be held
against ``nothing``, the machine alone. Files are in the page cache throughout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from gateway.callfolders import CallFolders
from gateway.callquery import CallQuery
from gateway.store import IndexedCalls, catch_up, open_index
from gateway.store.database import path_of
from media.clock import perf

BORN = datetime(2025, 1, 1, tzinfo=UTC)
RARE = 1000
PAGE = 51  # 50, and whether there is another
TIMER_S = 0.001
IDLE_S = 10.0


@dataclass(slots=True)
class Spent:
    """Milliseconds of each run, and how late the timer came."""

    runs: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    def told(self) -> str:
        return f"{np.median(self.runs):.1f} / {max(self.runs):.1f}"

    def lateness(self) -> str:
        return f"{np.percentile(self.late, 99):.1f} / {max(self.late):.1f}" if self.late else "-"


def make(root: Path, *, calls: int, days: int) -> list[str]:
    """The folders; their ids, the oldest first."""
    ids = []
    for number in range(calls):
        day, place = divmod(number, -(-calls // days))
        born = BORN + timedelta(days=day, seconds=place * 86_400 // -(-calls // days))
        call_id = f"{born:%Y%m%dT%H%M%SZ}-{number:06x}"
        folder = root / f"{born:%Y/%m/%d}" / call_id
        folder.mkdir(parents=True)
        (folder / "call.json").write_text(json.dumps(_call(call_id, born, number), indent=2))
        ids.append(call_id)
    return ids


def _call(call_id: str, born: datetime, number: int) -> dict[str, object]:
    rare = number % RARE == 0
    figures = {name: {"median": 240, "p90": 480, "max": 900} for name in ("gap_ms", "stop_ms")}
    return {
        "v": 1,
        "call_id": call_id,
        "started": born.isoformat(),
        "leg": "webrtc" if number % 2 else "sip",
        "facts": {"caller": f"sip:{number}@pbx.example", "callee": "sip:bot@parley.example"},
        "engine": "embedded",
        "persona": "receptionist",
        "seed": number,
        "config_sha256": "0" * 64,
        "duration": 16_000 * (number % 600),
        "outcome": {"fault": "caller", "reason": "ice-failed"}
        if rare
        else {"fault": "none", "reason": "caller-left"},
        "turn_taking": figures,
        "steps": {"count": 7_500, "ms": {"median": 2.5, "p99": 11.0}},
        "lost": {"caller": 0, "bot": 0},
    }


def questions(ids: list[str]) -> dict[str, CallQuery]:
    """What is asked, by what it is called."""
    middle = ids[len(ids) // 2]
    return {
        "the newest": CallQuery(PAGE),
        "from the middle on": CallQuery(PAGE, before=middle),
        "leg=sip": CallQuery(PAGE, leg="sip"),
        "since, until: a day in the middle": CallQuery(
            PAGE, since=middle[:9] + "000000Z", until=middle[:9] + "235959Z"
        ),
        "outcome=caller/ice-failed": CallQuery(PAGE, fault="caller", reason="ice-failed"),
        "outcome=gateway (there is none)": CallQuery(PAGE, fault="gateway"),
    }


@contextmanager
def timed(spent: Spent) -> Iterator[None]:
    """One run, with the timer beside it."""

    async def tick() -> None:
        while True:
            before = perf()
            await asyncio.sleep(TIMER_S)
            spent.late.append((perf() - before - TIMER_S) * 1000)

    timer = asyncio.get_running_loop().create_task(tick())
    began = perf()
    try:
        yield
    finally:
        spent.runs.append((perf() - began) * 1000)
        timer.cancel()


async def measure(ask: Callable[[], Awaitable[object]], *, runs: int, most_ms: float) -> Spent:
    """So many runs, or as many as fit into ``most_ms``."""
    spent = Spent()
    while len(spent.runs) < runs and sum(spent.runs) < most_ms:
        with timed(spent):
            await ask()
    return spent


async def pages(root: Path, ids: list[str]) -> Table:
    """The questions."""
    table = Table("question", "calls", "index ms", "late ms", "folders ms", "folders / index")
    store, folders = IndexedCalls(root), CallFolders(root)
    await store.start()
    while not store.indexed:  # noqa: ASYNC110 - it has no event; there is nothing else to do
        await asyncio.sleep(0.01)
    for name, query in questions(ids).items():
        found, walked = await store.newest(query), await folders.newest(query)
        assert found == walked
        index = await measure(partial(store.newest, query), runs=200, most_ms=5_000)
        folder = await measure(partial(folders.newest, query), runs=50, most_ms=5_000)
        ratio = np.median(folder.runs) / np.median(index.runs)
        cells = (index.told(), index.lateness(), folder.told(), f"{ratio:.1f}")
        table.add_row(name, str(len(found)), *cells)
    await store.close()
    return table


async def upkeep(root: Path, ids: list[str], *, days: int) -> Table:
    """The index made, found right, and made right."""
    table = Table("upkeep", "calls looked at", "s", "late ms")

    async def caught_up() -> None:
        index = await open_index(path_of(root))
        await catch_up(index, CallFolders(root))
        await index.close()

    idle = await measure(partial(asyncio.sleep, IDLE_S), runs=1, most_ms=1)
    table.add_row("nothing", "-", f"{IDLE_S:.2f}", idle.lateness())
    made = await measure(caught_up, runs=1, most_ms=1)
    table.add_row("made", str(len(ids)), f"{made.runs[0] / 1000:.2f}", made.lateness())
    right = await measure(caught_up, runs=20, most_ms=5_000)
    seconds = f"{np.median(right.runs) / 1000:.3f}"
    table.add_row(f"a start, nothing new in {days} days", "0", seconds, right.lateness())
    gone = root / f"{ids[-1][:4]}/{ids[-1][4:6]}/{ids[-1][6:8]}"
    shutil.move(gone, root / "away")
    await caught_up()
    shutil.move(root / "away", gone)
    lacking = await measure(caught_up, runs=1, most_ms=1)
    some = sum(call_id.startswith(ids[-1][:8]) for call_id in ids)
    lateness = lacking.lateness()
    table.add_row("a start, a day is new", str(some), f"{lacking.runs[0] / 1000:.3f}", lateness)
    return table


def main() -> int:
    """Make, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=365)
    options = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        ids = make(root, calls=options.calls, days=options.days)
        console.print(asyncio.run(upkeep(root, ids, days=options.days)))
        console.print(asyncio.run(pages(root, ids)))
        size = path_of(root).stat().st_size / len(ids)
    console.print(f"medians / worst; index.sqlite has {size:.0f} bytes a call", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

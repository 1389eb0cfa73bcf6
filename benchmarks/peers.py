"""The peer tests with full counts, as a table: what ran, how long, what came of it.

    python -m benchmarks.peers [PYTEST ARGUMENTS]

Needs what ``make test-peers`` installs. pytest's own output goes to standard error as it comes.
What a test notes with ``record_property`` stands beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from gateway.legs.sipbuild import look

WIDTH = 150
FAILED, NO_TESTS = 1, 5  # pytest's


@dataclass(frozen=True, slots=True)
class Ran:
    """One test. ``came``: passed, failed, or skipped and why."""

    file: str
    test: str
    seconds: float
    came: str
    told: str


def results(report: Path) -> Iterator[Ran]:
    """What pytest wrote into its JUnit file, in order."""
    for case in ElementTree.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        bad = case.find("failure") is not None or case.find("error") is not None
        came = "failed" if bad else "passed"
        if skipped is not None:
            came = f"skipped: {skipped.get('message', '')}"
        notes = [f"{note.get('name')} {note.get('value')}" for note in case.iter("property")]
        yield Ran(
            file=case.get("classname", "").rpartition(".")[2],
            test=case.get("name", "").removeprefix("test_"),
            seconds=float(case.get("time", "0")),
            came=came,
            told=", ".join(notes),
        )


def show(console: Console, ran: list[Ran]) -> None:
    """One line for each test, and how many came out how."""
    table = Table(box=None, pad_edge=False)
    for column in ("file", "test", "s", "came out", "told"):
        table.add_column(column, justify="right" if column == "s" else "left", overflow="fold")
    for one in ran:
        file = one.file.removeprefix("test_")
        table.add_row(file, one.test, f"{one.seconds:.1f}", one.came, one.told)
    console.print(table)
    ways = [one.came.partition(":")[0] for one in ran]
    told = ", ".join(f"{ways.count(way)} {way}" for way in ("passed", "failed", "skipped"))
    console.print(f"\n{told}; {sum(one.seconds for one in ran):.0f} s")


def main() -> int:
    """pytest's exit code; 1 if there was nothing to run."""
    console = Console(width=WIDTH, highlight=False, markup=False)
    build = look()
    console.print(f"pjsua2: {'none' if build is None else build.tell()}\n")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = ["-m", "peers", "tests/peers", "-v", f"--junitxml={report}", *sys.argv[1:]]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            env=os.environ | {"PARLEY_SOAK": "1"},
            stdout=sys.stderr,
            check=False,
        )
        if report.exists():
            show(console, list(results(report)))
    return FAILED if done.returncode == NO_TESTS else done.returncode


if __name__ == "__main__":
    raise SystemExit(main())

"""Processor time of processes and their threads, from Linux's ``/proc``."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Reading:
    """At one moment: seconds each thread of some processes has run, and all processors together.

    ``threads`` is keyed by process and thread; the value's first part is the thread's name.
    """

    at_s: float
    threads: dict[tuple[int, int], tuple[str, float]]
    busy_s: float


def read(*pids: int) -> Reading:
    """Now. A process that is gone has no threads."""
    threads: dict[tuple[int, int], tuple[str, float]] = {}
    for pid in pids:
        for task in (PROC / str(pid) / "task").glob("*"):
            try:
                name = (task / "comm").read_text().strip()
                threads[pid, int(task.name)] = (name, _ran_s(task))
            except OSError:  # the thread ended just now
                continue
    return Reading(time.monotonic(), threads, _busy_s())


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds between two readings, ``wall_s`` apart."""

    wall_s: float
    threads: dict[tuple[int, int], tuple[str, float]]
    busy_s: float

    def of(self, pid: int) -> float:
        """A whole process."""
        return sum(s for (owner, _), (_, s) in self.threads.items() if owner == pid)

    def main(self, pid: int) -> float:
        """Its first thread."""
        return self.threads.get((pid, pid), ("", 0.0))[1]

    def named(self, pid: int, name: str) -> float:
        """Its threads of that name."""
        return sum(s for (owner, _), (n, s) in self.threads.items() if (owner, n) == (pid, name))

    @property
    def others_s(self) -> float:
        """What everybody else on the machine ran."""
        return max(0.0, self.busy_s - sum(s for _, s in self.threads.values()))


def between(first: Reading, then: Reading) -> Spent:
    """What was spent from one reading to the next."""
    spent = {
        key: (name, ran_s - first.threads.get(key, (name, 0.0))[1])
        for key, (name, ran_s) in then.threads.items()
    }
    return Spent(then.at_s - first.at_s, spent, then.busy_s - first.busy_s)


def child_of(pid: int, *, running: str) -> int | None:
    """A process started by ``pid`` whose command line says ``running``."""
    for folder in PROC.glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and running in (folder / "cmdline").read_text():
                return int(folder.name)
        except OSError:
            continue
    return None


def _ran_s(task: Path) -> float:
    """To the nanosecond where the kernel counts so, else to the tick."""
    precise = task / "schedstat"
    if precise.exists():
        return int(precise.read_text().split()[0]) / 1e9
    user, system = (task / "stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _busy_s() -> float:
    """Of all processors since the machine started: neither idle nor waiting for a disk."""
    fields = [int(f) for f in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")

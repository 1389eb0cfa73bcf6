"""A module in a process of its own, which says a line once it is up, and the rest at its end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Child:
    """``rest``, what it said after its first line, is there once it has ended."""

    pid: int
    first: str
    rest: str = ""


@contextmanager
def child(module: str, *words: str, stop_s: float) -> Iterator[Child]:
    """Entered once it has said its first line, which is empty if it ended without one.

    At the end its input is closed, and it has ``stop_s`` to end too. If it does not, it is killed,
    and ``subprocess.TimeoutExpired`` is raised.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        here = Child(process.pid, process.stdout.readline().strip())
        yield here
        here.rest, _ = process.communicate(timeout=stop_s)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()

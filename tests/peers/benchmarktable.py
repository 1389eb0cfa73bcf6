"""A benchmark of calls, run as its users run it, and the table it makes."""

from __future__ import annotations

import re
import subprocess
import sys

KEPT, MISSED = 0, 1
PATIENCE_S = 120.0


def check_table(module: str, *words: str, row: str) -> None:
    """It ends in order, and ``row`` (a pattern) stands in what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    # A machine that is busy with other tests may miss a bar.
    assert done.returncode in (KEPT, MISSED), done.stderr
    assert re.search(row, done.stdout), done.stdout + done.stderr

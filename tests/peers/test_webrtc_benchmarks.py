"""The benchmarks of browsers' calls run, each as short as it can be, as those of SIP do."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.peers, pytest.mark.alone, pytest.mark.live]
KEPT, MISSED = 0, 1


@pytest.mark.parametrize(
    ("words", "row"),
    [
        (("cost", "--calls", "2", "--seconds", "1"), r"gateway +│ +2 │ +\d"),
        (("loss", "--troubles", "one packet"), r"one packet +│ leg +│ +\d.+│ +4 │ +[0-4] │"),
        (("echo", "--seconds", "4"), r"leg +│ +\d{3} │ +\d"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_a_benchmark_makes_its_table(words: tuple[str, ...], row: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.webrtc", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # A machine that is busy with other tests may miss a bar.
    assert done.returncode in (KEPT, MISSED), done.stderr
    assert re.search(row, done.stdout), done.stdout + done.stderr

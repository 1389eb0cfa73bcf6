"""The inference library keeps to itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_nothing_is_left_in_the_users_cache_and_nothing_collected(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import bot.engines.embedded.inference"],
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.rglob("*")) == []

"""What ``docs/pbx.md`` prints for Kamailio is taken by Kamailio."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.peers.kamailio import has_kamailio

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not has_kamailio(), reason="no kamailio is installed"),
]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pbx.md").read_text(encoding="utf-8")
LIST = "/etc/kamailio/dispatcher.list"


def _block(mark: str) -> str:
    blocks = re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (found,) = [block for block in blocks if mark in block]
    return str(found)


def _taken(folder: Path, config: str) -> bool:
    targets = folder / "dispatcher.list"
    targets.write_text(_block("1 sip:192.0.2.2:5060"), encoding="utf-8")
    file = folder / "kamailio.cfg"
    file.write_text("#!KAMAILIO\n" + config.replace(LIST, str(targets)), encoding="utf-8")
    command = ["kamailio", "-c", "-f", str(file)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def test_the_configuration_is_taken(tmp_path: Path) -> None:
    config = _block("loadmodule")
    assert LIST in config
    assert _taken(tmp_path, config)
    assert not _taken(tmp_path, config.replace("ds_select_dst", "ds_choose"))

"""``docs/call-folder.md`` against what a call really writes."""

from __future__ import annotations

import json
import re
import wave
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.legs.sipfigures import told
from gateway.legs.sipprotocol import StreamFigures
from media.frame import MEDIA_RATE
from media.jitter import JitterCounts
from media.tones import tone

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "call-folder.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("calls")
    with wave.open(str(root / "caller.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(MEDIA_RATE)
        file.writeframes(tone(300.0, MEDIA_RATE, rate=MEDIA_RATE, amplitude=0.3).tobytes())
    assert main(["replay", str(root / "caller.wav"), "--out", str(root), "bot=scripted"]) == 0
    return root / "caller"


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _fields(section: str) -> set[str]:
    cells = re.findall(r"^\| ((?:`[^`|]+`(?:, )?)+) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def _paths(tree: dict[str, Any]) -> set[str]:
    """Top-level fields; those of the groups of figures with the group's name in front."""
    grouped = ("turn_taking", "steps", "playout")
    return {
        f"{name}.{inner}" if name in grouped else name
        for name, value in tree.items()
        for inner in (value if name in grouped else [""])
    }


def test_the_files(folder: Path) -> None:
    head = PAGE.split("\n## ")[0]
    assert {path.name for path in folder.iterdir()} == _fields(head) - {"diff.json"}


def _call_json() -> tuple[str, str, str, str]:
    """What every call has; those over SIP: how they ended, how packets went; browsers' calls."""
    general, rest = _section("call.json").split("\n### sip\n")
    ending, rest = rest.split("\n### rtp\n")
    way, page = rest.split("\n### webrtc\n")
    return general, ending, way, page


def test_every_field_of_call_json(folder: Path) -> None:
    written = json.loads((folder / "call.json").read_text("utf-8"))
    general, ending, way, page = _call_json()
    assert _fields(general) == _paths(written) | {"sip", "rtp", "webrtc"}
    over_sip = told(StreamFigures(), codec="")
    assert _fields(way) == {f"rtp.{name}" for name in over_sip}
    assert _fields(ending) == {"sip.code", "sip.reason", "sip.by"}
    counts = {field.name for field in fields(JitterCounts)} | {"broken", "events_dropped"}
    assert _fields(page) == {f"webrtc.{name}" for name in counts}


def test_the_examples_of_call_json_have_the_fields_of_a_true_one(folder: Path) -> None:
    general, _, way, _ = _call_json()
    (printed,) = re.findall(r"```json\n(.*?)```", general, re.DOTALL)
    written = json.loads((folder / "call.json").read_text("utf-8"))
    assert _paths(json.loads(printed)) == _paths(written)
    (printed,) = re.findall(r"```json\n(.*?)```", way, re.DOTALL)
    over_sip = json.loads("{" + printed + "}")
    assert set(over_sip["rtp"]) == set(told(StreamFigures(), codec=""))
    assert set(over_sip["sip"]) == {"code", "reason", "by"}


def test_every_field_of_the_transcript(folder: Path) -> None:
    lines = (folder / "transcript.jsonl").read_text("utf-8").splitlines()
    assert lines
    section = _section("transcript.jsonl")
    (printed,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    for line in [*lines, printed]:
        assert list(json.loads(line)) == list(json.loads(printed))
        assert set(json.loads(line)) == _fields(section)

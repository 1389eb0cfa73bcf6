"""Many call folders, made quickly."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

KINDS = [
    ("sip", "none", "caller-left"),
    ("webrtc", "none", "goodbye"),
    ("sip", "caller", "media-silent"),
    ("sip", "none", "hung-up"),
    ("webrtc", "caller", "ice-failed"),
]


def names(days: int, *, a_day: int, first: int = 1) -> list[str]:
    """Ids in January and February, the oldest first; all minutes of a day alike."""
    return [
        f"2026{1 + day // 28:02}{1 + day % 28:02}T{call // 60:02}{call % 60:02}00Z-{call:06x}"
        for day in range(first - 1, first - 1 + days)
        for call in range(a_day)
    ]


def document(call_id: str, number: int) -> dict[str, Any]:
    """What ``call.json`` may say of the call with that number."""
    leg, fault, reason = KINDS[number % len(KINDS)]
    return {
        "v": 1,
        "call_id": call_id,
        "started": f"{call_id[:4]}-{call_id[4:6]}-{call_id[6:8]}T12:00:00+00:00",
        "leg": leg,
        "facts": {"caller": "sip:ann@example.org"},
        "engine": "echo",
        "persona": "receptionist",
        "seed": number,
        "duration": 16_000 * number,
        "outcome": {"fault": fault, "reason": reason},
    }


def place(root: Path, call_id: str) -> Path:
    """The folder of a call."""
    return root / call_id[:4] / call_id[4:6] / call_id[6:8] / call_id


def make(root: Path, call_ids: Iterable[str], *, finished: bool = True) -> None:
    """A folder for each, with ``call.json`` if it is finished."""
    for number, call_id in enumerate(call_ids):
        folder = place(root, call_id)
        folder.mkdir(parents=True, exist_ok=True)
        if finished:
            (folder / "call.json").write_text(json.dumps(document(call_id, number)))


def touch(day: Path, *, ns: int) -> None:
    """Give a day's folder the time of a change, whatever the clock of the disk says."""
    os.utime(day, ns=(ns, ns))

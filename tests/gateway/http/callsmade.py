"""Call folders as ``parley serve`` leaves them, and calls that seem to be up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gateway.outbound import NotDialled
from media.wav import header

PCM = np.arange(2048, dtype="<i2").reshape(-1, 2)  # even numbers left, odd ones right
SOUND = header(rate=16_000, channels=2, frames=1024) + PCM.tobytes()


def leave(root: Path, call_id: str, *, finished: bool = True) -> Path:
    """A folder with all files a call leaves; without ``call.json`` if it is not finished."""
    folder = root / call_id[:4] / call_id[4:6] / call_id[6:8] / call_id
    folder.mkdir(parents=True)
    (folder / "call.wav").write_bytes(SOUND)
    facts = ['{"v":1,"at":0,"type":"answer"}', '{"v":1,"at":5,"type":"digit","key":"\u2028"}']
    (folder / "timeline.jsonl").write_text("\n".join([*facts, '{"v":1,"to']), encoding="utf-8")
    if finished:
        (folder / "timeline.jsonl").write_text("\n".join([*facts, ""]), encoding="utf-8")
        (folder / "transcript.jsonl").write_text('{"speaker":"bot","text":"Grüß Gott"}\n')
        (folder / "transcript.vtt").write_text("WEBVTT\n")
        (folder / "call.json").write_text(json.dumps({"v": 1, "call_id": call_id}, indent=2))
    return folder


def rewrite(folder: Path, **fields: Any) -> None:
    """More fields for the ``call.json`` of a folder."""
    call = json.loads((folder / "call.json").read_text())
    (folder / "call.json").write_text(json.dumps({**call, **fields}))


class Up:
    """Calls that are up; ``ended`` are those that were hung up."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.ended = list(ids), list[str]()

    def live(self) -> Sequence[dict[str, Any]]:
        return [{"v": 1, "call_id": call_id, "leg": "sip"} for call_id in self.ids]

    def hang_up(self, call_id: str) -> bool:
        self.ended += [call_id] if call_id in self.ids else []
        return call_id in self.ids

    async def dial(self, uri: str) -> str:
        raise NotDialled(409, "nothing is dialled")

"""A gateway tells which calls are over and were kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from gateway.legs.memory import Pause
from gateway.legs.memoryswitchboard import Caller
from gateway.serve import Gateway
from tests.gateway.serving import CHAT, Serving, serving


async def test_each_recorded_call_is_told_once_when_its_files_are_there(tmp_path: Path) -> None:
    routes = "routes=[{number: '1??'}, {number: '2??', recording: false}]"
    callers = [
        Caller(0.5, CHAT),
        Caller(0.6, CHAT, callee="201"),
        Caller(9.0, (Pause(60_000),)),
    ]
    here = Serving(callers, tmp_path, settings=[routes, "drain.seconds=0"])
    told: dict[str, str] = {}

    def kept(call_id: str) -> None:
        (folder,) = (one for one in here.folders() if one.name == call_id)
        call = json.loads((folder / "call.json").read_text())
        assert call_id not in told
        told[call_id] = call["outcome"]["reason"]

    here.gateway = Gateway(replace(here.gateway._parts, kept=kept), here.drain)
    async with serving(here):
        await here.until(8.0)
        assert list(told.values()) == ["caller-left"]
        await here.until(10.0)
    assert list(told.values()) == ["caller-left", "stopped"]
    assert sorted(told) == [folder.name for folder in here.folders()]

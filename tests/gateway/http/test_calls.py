"""``/v1/calls`` over HTTP: pages, filters, one call, hanging up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.callfolders import CallFolders
from gateway.http import calls
from tests.gateway.http.callsmade import Up, leave, rewrite
from tests.gateway.http.sites import client

pytestmark = pytest.mark.live
OLD = [f"2026010{day}T000000Z-00000a" for day in range(1, 6)]
LIVE = "20260106T000000Z-00000a"


@asynccontextmanager
async def api(root: Path, up: Up) -> AsyncIterator[aiohttp.ClientSession]:
    store = CallFolders(root)
    async with client(calls.routes(up, store)) as here:
        yield here


async def pages(here: aiohttp.ClientSession, *, limit: int) -> list[list[str]]:
    found, query = [], f"limit={limit}"
    while True:
        async with here.get(f"/v1/calls?{query}") as got:
            page = await got.json()
        found.append([call["call_id"] for call in page["calls"]])
        if page["next"] is None:
            return found
        query = f"limit={limit}&before={page['next']}"


async def test_calls_are_listed_page_by_page_live_ones_among_them(tmp_path: Path) -> None:
    for call_id in OLD:
        leave(tmp_path, call_id)
    leave(tmp_path, LIVE, finished=False)
    # One is both up and over: its files are there, its task is not done.
    async with api(tmp_path, Up(LIVE, OLD[4])) as here:
        assert await pages(here, limit=6) == [[LIVE, *OLD[::-1]]]
        assert await pages(here, limit=2) == [[LIVE, OLD[4]], [OLD[3], OLD[2]], [OLD[1], OLD[0]]]
        assert await pages(here, limit=5) == [[LIVE, *OLD[:0:-1]], [OLD[0]]]
        async with here.get("/v1/calls") as got:
            first = (await got.json())["calls"][0]
            assert first == {"v": 1, "call_id": LIVE, "leg": "sip", "live": True}
            assert got.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=x", "limit=", "limit=-1", "limit=²", "before=../x",
        "since=today", "since=2026-01-01T00:00:00", "until=", "until=0001-01-01T00:00:00%2B14:00",
        "leg=SIP", "leg=", "outcome=", "outcome=nobody/left", "outcome=caller/", "outcom=caller",
    ],
)  # fmt: skip
async def test_questions_that_make_no_sense(tmp_path: Path, query: str) -> None:
    async with api(tmp_path, Up()) as here, here.get(f"/v1/calls?{query}") as got:
        assert got.status == 400
        assert (await got.json(content_type=None))["detail"].startswith(query.split("=")[0])


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("leg=sip", [6, 5, 3, 1]),
        ("leg=webrtc", [4, 2]),
        ("outcome=caller", [2, 1]),
        ("outcome=caller/ice-failed", [2]),
        ("outcome=hung-up", [5, 4, 3]),
        ("outcome=none/hung-up&leg=sip", [5, 3]),
        ("outcome=gateway", []),
        ("since=2026-01-04T00:00:00Z", [6, 5, 4]),
        ("until=2026-01-03T02:00:00%2B02:00", [2, 1]),
        ("since=2026-01-02T00:00:00Z&until=2026-01-04T00:00:00Z&leg=sip", [3]),
        ("since=2026-01-02T00:00:00+00:00&before=20260103T000000Z-00000a", [2]),
    ],
)
async def test_calls_of_one_kind(tmp_path: Path, query: str, days: list[int]) -> None:
    kinds = [
        ("sip", "caller", "media-silent"), ("webrtc", "caller", "ice-failed"),
        ("sip", "none", "hung-up"), ("webrtc", "none", "hung-up"), ("sip", "none", "hung-up"),
    ]  # fmt: skip
    for call_id, (leg, fault, reason) in zip(OLD, kinds, strict=True):
        outcome = {"fault": fault, "reason": reason}
        rewrite(leave(tmp_path, call_id), leg=leg, outcome=outcome)
    async with api(tmp_path, Up(LIVE)) as here, here.get(f"/v1/calls?{query}") as got:
        found = [int(call["call_id"][6:8]) for call in (await got.json())["calls"]]
        assert found == days


async def test_one_call(tmp_path: Path) -> None:
    leave(tmp_path, OLD[0])
    async with api(tmp_path, Up(LIVE)) as here:
        async with here.get(f"/v1/calls/{OLD[0]}") as got:
            assert await got.json() == {"v": 1, "call_id": OLD[0]}
        async with here.get(f"/v1/calls/{LIVE}") as got:
            assert await got.json() == {"v": 1, "call_id": LIVE, "leg": "sip", "live": True}
        for nobody in (OLD[1], "..", "%2e%2e%2f"):
            async with here.get(f"/v1/calls/{nobody}") as got:
                assert got.status == 404


async def test_only_a_call_that_is_up_can_be_hung_up(tmp_path: Path) -> None:
    folder, up = leave(tmp_path, OLD[0]), Up(LIVE)
    async with api(tmp_path, up) as here:
        for call_id, status in [(LIVE, 204), (OLD[0], 409), (OLD[1], 404)]:
            async with here.delete(f"/v1/calls/{call_id}") as got:
                assert got.status == status
    assert up.ended == [LIVE]
    assert (folder / "call.json").exists()

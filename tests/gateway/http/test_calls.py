"""``/v1/calls`` and what calls left behind, over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.callfolders import CallFolders
from gateway.http import artefacts, calls
from tests.gateway.http.callsmade import SOUND, Up, leave
from tests.gateway.http.sites import client

pytestmark = pytest.mark.live
OLD = [f"2026010{day}T000000Z-00000a" for day in range(1, 6)]
LIVE = "20260106T000000Z-00000a"


@asynccontextmanager
async def api(root: Path, up: Up) -> AsyncIterator[aiohttp.ClientSession]:
    store = CallFolders(root)
    async with client([*calls.routes(up, store), *artefacts.routes(up, store)]) as here:
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
            assert first == {"v": 1, "call_id": LIVE, "live": True}
            assert got.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=", "limit=-1", "limit=²", "before=../x"]
)
async def test_questions_that_make_no_sense(tmp_path: Path, query: str) -> None:
    async with api(tmp_path, Up()) as here, here.get(f"/v1/calls?{query}") as got:
        assert got.status == 400
        assert (await got.json(content_type=None))["detail"].startswith(query.split("=")[0])


async def test_one_call(tmp_path: Path) -> None:
    leave(tmp_path, OLD[0])
    async with api(tmp_path, Up(LIVE)) as here:
        async with here.get(f"/v1/calls/{OLD[0]}") as got:
            assert await got.json() == {"v": 1, "call_id": OLD[0]}
        async with here.get(f"/v1/calls/{LIVE}") as got:
            assert await got.json() == {"v": 1, "call_id": LIVE, "live": True}
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


async def test_sound_comes_whole_and_in_ranges(tmp_path: Path) -> None:
    leave(tmp_path, OLD[0])
    where = f"/v1/calls/{OLD[0]}/audio"
    async with api(tmp_path, Up()) as here:
        async with here.get(where) as got:
            assert (got.status, await got.read()) == (200, SOUND)
            assert got.headers["Content-Type"] == "audio/wav"
            assert got.headers["Accept-Ranges"] == "bytes"
            assert got.headers["Content-Disposition"] == f'inline; filename="{OLD[0]}.wav"'
            etag = got.headers["ETag"]
        for asked, part in [("0-43", SOUND[:44]), ("4000-", SOUND[4000:]), ("-7", SOUND[-7:])]:
            async with here.get(where, headers={"Range": f"bytes={asked}"}) as got:
                assert (got.status, await got.read()) == (206, part)
                assert got.headers["Content-Range"].endswith(f"/{len(SOUND)}")
        async with here.get(where, headers={"Range": "bytes=9999-"}) as got:
            assert got.status == 416
        async with here.get(where, headers={"If-None-Match": etag}) as got:
            assert got.status == 304


async def test_words_and_facts(tmp_path: Path) -> None:
    leave(tmp_path, OLD[0])
    async with api(tmp_path, Up()) as here:
        async with here.get(f"/v1/calls/{OLD[0]}/transcript") as got:
            assert await got.json() == [{"speaker": "bot", "text": "Grüß Gott"}]
        async with here.get(f"/v1/calls/{OLD[0]}/timeline") as got:
            assert await got.json() == [
                {"v": 1, "at": 0, "type": "answer", "call_id": OLD[0]},
                {"v": 1, "at": 5, "type": "digit", "key": "\u2028", "call_id": OLD[0]},
            ]
        async with here.get(f"/v1/calls/{OLD[0]}/vtt") as got:
            assert (got.content_type, await got.text()) == ("text/vtt", "WEBVTT\n")


@pytest.mark.parametrize("name", ["audio", "transcript", "vtt"])
async def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    leave(tmp_path, LIVE, finished=False)
    for file in leave(tmp_path, OLD[0]).iterdir():
        if file.name != "call.json":
            file.unlink()
    async with api(tmp_path, Up(LIVE)) as here:
        for call_id, status in [(LIVE, 409), (OLD[0], 404), (OLD[1], 404), ("x", 404)]:
            async with here.get(f"/v1/calls/{call_id}/{name}") as got:
                assert got.status == status
                assert got.content_type == "application/problem+json"


async def test_a_call_that_is_up_has_its_facts_so_far(tmp_path: Path) -> None:
    folder = leave(tmp_path, LIVE, finished=False)
    assert (folder / "timeline.jsonl").read_text().endswith('{"v":1,"to')
    async with api(tmp_path, Up(LIVE)) as here, here.get(f"/v1/calls/{LIVE}/timeline") as got:
        assert [fact["type"] for fact in json.loads(await got.text())] == ["answer", "digit"]
    async with api(tmp_path, Up()) as here, here.get(f"/v1/calls/{LIVE}/timeline") as got:
        assert got.status == 404

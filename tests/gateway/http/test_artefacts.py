"""What calls left behind, and what those that are up have so far, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.callfolders import CallFolders
from gateway.http import artefacts
from media.wav import header
from tests.gateway.http.callsmade import PCM, SOUND, Up, leave
from tests.gateway.http.sites import client

pytestmark = pytest.mark.live
OLD, GONE, BARE, LIVE = (f"2026010{day}T000000Z-00000a" for day in (1, 2, 3, 6))
MONO = header(rate=16_000, channels=1, frames=1024)
TRACK = {"caller": MONO + PCM[:, 0].tobytes(), "bot": MONO + PCM[:, 1].tobytes()}
WORDS = (
    '{"v":1,"at":9,"type":"words","speaker":"caller","utterance":0,"text":"Grüß Gott","end":8,'
    '"words":[["Grüß",0,4],["Gott",4,8]]}'
)


@asynccontextmanager
async def api(root: Path, up: Up) -> AsyncIterator[aiohttp.ClientSession]:
    async with client(artefacts.routes(up, CallFolders(root))) as here:
        yield here


async def test_sound_comes_whole_and_in_ranges(tmp_path: Path) -> None:
    leave(tmp_path, OLD)
    where = f"/v1/calls/{OLD}/audio"
    async with api(tmp_path, Up()) as here:
        async with here.get(where) as got:
            assert (got.status, await got.read()) == (200, SOUND)
            assert got.headers["Content-Type"] == "audio/wav"
            assert got.headers["Accept-Ranges"] == "bytes"
            assert got.headers["Content-Disposition"] == f'inline; filename="{OLD}.wav"'
            etag = got.headers["ETag"]
        for asked, part in [("0-43", SOUND[:44]), ("4000-", SOUND[4000:]), ("-7", SOUND[-7:])]:
            async with here.get(where, headers={"Range": f"bytes={asked}"}) as got:
                assert (got.status, await got.read()) == (206, part)
                assert got.headers["Content-Range"].endswith(f"/{len(SOUND)}")
        async with here.get(where, headers={"Range": "bytes=9999-"}) as got:
            assert got.status == 416
        async with here.get(where, headers={"If-None-Match": etag}) as got:
            assert got.status == 304


@pytest.mark.parametrize("track", ["caller", "bot"])
async def test_one_track_is_a_file_of_its_own(tmp_path: Path, track: str) -> None:
    leave(tmp_path, OLD)
    where, whole = f"/v1/calls/{OLD}/audio?track={track}", TRACK[track]
    async with api(tmp_path, Up()) as here:
        async with here.get(where) as got:
            assert (got.status, await got.read()) == (200, whole)
            assert got.headers["Content-Type"] == "audio/wav"
            assert got.headers["Content-Disposition"] == f'inline; filename="{OLD}-{track}.wav"'
            etag = got.headers["ETag"]
        async with here.head(where) as got:
            assert (got.status, await got.read()) == (200, b"")
            assert got.headers["Content-Length"] == str(len(whole))
            assert got.headers["ETag"] == etag
        for span in [(0, 1), (0, 44), (3, 47), (44, 45), (45, 46), (50, 53), (2091, 2092)]:
            asked = {"Range": f"bytes={span[0]}-{span[1] - 1}"}
            async with here.get(where, headers=asked) as got:
                assert (got.status, await got.read()) == (206, whole[slice(*span)])
                assert got.headers["Content-Range"] == f"bytes {span[0]}-{span[1] - 1}/2092"
        for text, part in [("2000-", whole[2000:]), ("-7", whole[-7:]), ("0-99999", whole)]:
            async with here.get(where, headers={"Range": f"bytes={text}"}) as got:
                assert (got.status, await got.read()) == (206, part)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Range": "bytes=2092-"}, 416),
        ({"Range": "bytes=-0"}, 416),
        ({"Range": "bytes=5-2"}, 200),  # no range at all: RFC 9110 has it ignored
        ({"Range": "bytes=0-1,5-6"}, 200),
        ({"Range": "frames=0-1"}, 200),
        ({"Range": "bytes=0-1", "If-Range": "ETAG"}, 206),
        ({"Range": "bytes=0-1", "If-Range": '"another"'}, 200),
        ({"If-None-Match": "ETAG"}, 304),
        ({"If-None-Match": "W/ETAG"}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"another"'}, 200),
        ({"If-Match": '"another"'}, 412),
        ({"If-Match": "ETAG"}, 200),
    ],
)
async def test_conditions(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    leave(tmp_path, OLD)
    where = f"/v1/calls/{OLD}/audio?track=bot"
    async with api(tmp_path, Up()) as here:
        async with here.head(where) as got:
            etag = got.headers["ETag"]
        headers = {name: text.replace("ETAG", etag) for name, text in headers.items()}
        async with here.get(where, headers=headers) as got:
            body = await got.read()
            assert got.status == status
            if status == 200:
                assert body == TRACK["bot"]
            elif status == 416:
                assert got.content_type == "application/problem+json"
                assert got.headers["Content-Range"] == "bytes */2092"


async def test_words_and_facts(tmp_path: Path) -> None:
    leave(tmp_path, OLD)
    async with api(tmp_path, Up()) as here:
        async with here.get(f"/v1/calls/{OLD}/transcript") as got:
            assert await got.json() == [{"speaker": "bot", "text": "Grüß Gott"}]
            etag = got.headers["ETag"]
        asked = {"If-None-Match": etag}
        async with here.get(f"/v1/calls/{OLD}/transcript", headers=asked) as got:
            assert (got.status, await got.read()) == (304, b"")
        async with here.get(f"/v1/calls/{OLD}/timeline", headers=asked) as got:
            assert await got.json() == [
                {"v": 1, "at": 0, "type": "answer", "call_id": OLD},
                {"v": 1, "at": 5, "type": "digit", "key": "\u2028", "call_id": OLD},
            ]
        async with here.get(f"/v1/calls/{OLD}/vtt") as got:
            assert (got.content_type, await got.text()) == ("text/vtt", "WEBVTT\n")


@pytest.mark.parametrize("name", ["audio", "audio?track=bot", "transcript", "vtt", "timeline"])
async def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    leave(tmp_path, LIVE, finished=False)
    for file in leave(tmp_path, OLD).iterdir():
        if file.name != "call.json":
            file.unlink()
    (tmp_path / "2026" / "01" / "03" / BARE).mkdir(parents=True)  # its disk is full
    # LIVE is not up: another process has it, or a crash left it.
    async with api(tmp_path, Up(GONE, BARE)) as here:
        for call_id in (LIVE, OLD, GONE, BARE, "x", "%2e%2e"):
            async with here.get(f"/v1/calls/{call_id}/{name}") as got:
                assert got.status == 404
                assert got.content_type == "application/problem+json"


async def test_questions_that_make_no_sense(tmp_path: Path) -> None:
    (leave(tmp_path, OLD) / "call.wav").write_bytes(b"RIFF" + bytes(99))
    async with api(tmp_path, Up()) as here:
        for track, status in [("left", 400), ("", 400), ("bot", 404)]:
            async with here.get(f"/v1/calls/{OLD}/audio?track={track}") as got:
                assert got.status == status


async def test_a_call_that_is_up_has_what_there_is_so_far(tmp_path: Path) -> None:
    folder = leave(tmp_path, LIVE, finished=False)
    lines = (folder / "timeline.jsonl").read_text(encoding="utf-8").split("\n")
    (folder / "timeline.jsonl").write_text("\n".join([*lines[:2], WORDS, lines[2]]))
    # The header is of half a second ago, and the last sample of one track is not there yet.
    stale = header(rate=16_000, channels=2, frames=1000)
    (folder / "call.wav").write_bytes(stale + SOUND[44:] + b"\0\0")
    async with api(tmp_path, Up(LIVE)) as here:
        for name, whole in [("audio", SOUND), ("audio?track=caller", TRACK["caller"])]:
            async with here.get(f"/v1/calls/{LIVE}/{name}") as got:
                assert (got.status, await got.read()) == (200, whole)
                assert got.headers["Cache-Control"] == "no-store"
                assert "ETag" not in got.headers
                assert "Last-Modified" not in got.headers
            asked = {"Range": "bytes=40-51", "If-None-Match": "*"}
            async with here.get(f"/v1/calls/{LIVE}/{name}", headers=asked) as got:
                assert (got.status, await got.read()) == (206, whole[40:52])
        async with here.get(f"/v1/calls/{LIVE}/timeline") as got:
            assert [fact["type"] for fact in await got.json()] == ["answer", "digit", "words"]
            assert "ETag" not in got.headers
        async with here.get(f"/v1/calls/{LIVE}/transcript") as got:
            assert [line["text"] for line in await got.json()] == ["Grüß Gott"]
        async with here.get(f"/v1/calls/{LIVE}/vtt") as got:
            assert (await got.text()).endswith("<v caller>Grüß Gott</v>\n")
            assert got.headers["Cache-Control"] == "no-store"


async def test_an_answer_keeps_its_length_while_the_call_goes_on(tmp_path: Path) -> None:
    folder = leave(tmp_path, LIVE, finished=False)
    sound = SOUND + bytes(1 << 22)
    (folder / "call.wav").write_bytes(sound)
    async with api(tmp_path, Up(LIVE)) as here, here.get(f"/v1/calls/{LIVE}/audio") as got:
        first = await got.content.readexactly(1000)
        with (folder / "call.wav").open("ab") as file:
            file.write(bytes(1 << 20))
        whole = header(rate=16_000, channels=2, frames=1024 + (1 << 20)) + sound[44:]
        assert first + await got.content.read() == whole
        assert got.content_length == len(whole)

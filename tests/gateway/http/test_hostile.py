"""Requests that no browser and no honest client makes."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.bus import EventBus
from gateway.callfolders import CallFolders
from gateway.http import artefacts, calls, events, patience, whip
from gateway.http.guard import needed
from gateway.http.site import Site
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsettings import WebRtcSettings
from media.clock import MonotonicClock
from media.timeline import Entry
from tests.gateway.http.callsmade import Up, leave
from tests.gateway.http.sites import client, tokens
from tests.gateway.http.test_build import built, routes

pytestmark = pytest.mark.live
MOST_S = 10.0
CALL = "20260101T000000Z-00000a"


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


HELLO = [web.get("/v1/calls", hello)]


def address(http: aiohttp.ClientSession) -> tuple[str, int]:
    """Of the site that ``http`` asks."""
    base = http._base_url
    assert base is not None
    assert base.host is not None
    assert base.port is not None
    return base.host, base.port


@asynccontextmanager
async def bare(
    http: aiohttp.ClientSession,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which anything can be said."""
    reader, writer = await asyncio.open_connection(*address(http))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def raw(http: aiohttp.ClientSession, request: bytes) -> bytes:
    """All that comes back; the connection is closed by the site."""
    async with bare(http) as (reader, writer):
        writer.write(request)
        return await ended(reader)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the site closed."""
    async with asyncio.timeout(MOST_S):
        with contextlib.suppress(ConnectionError):
            return await reader.read()
        return b""


@pytest.mark.parametrize("said", [b"", b"GET /v1/calls HTTP/1.1\r\nHost: localhost\r\nX-A: "])
async def test_who_asks_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(patience, "FIRST_S", 0.1)
    async with client(HELLO) as http, bare(http) as (reader, writer):
        writer.write(said)
        assert await ended(reader) == b""


async def test_who_has_asked_may_ask_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_S", 0.05)
    ask = b"GET /v1/calls HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with client(HELLO) as http, bare(http) as (reader, writer):
        for _ in range(2):
            writer.write(ask)
            async with asyncio.timeout(MOST_S):
                assert b"200 OK" in await reader.readuntil(b"hello")
            await asyncio.sleep(0.1)


async def test_there_are_no_more_connections_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST", 3)
    async with client(HELLO) as http, contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(bare(http))
        async with http.get("/v1/calls") as answer:
            assert answer.status == 200
        async with bare(http) as (reader, _):
            assert await ended(reader) == b""
        async with http.get("/v1/calls") as answer:  # on the connection that is there
            assert answer.status == 200


def switchboard() -> WebRtcSwitchboard:
    settings = WebRtcSettings(seat_s=0.2)
    return WebRtcSwitchboard(settings, clock=MonotonicClock(), token=lambda: "name", connect=Peer)


async def test_an_offer_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whip, "BODY_S", 0.1)
    ask = (
        b"POST /whip HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
        b"Content-Length: 100\r\n\r\nv=0"
    )
    async with client(whip.routes(switchboard())) as http, bare(http) as (reader, writer):
        writer.write(ask)
        async with asyncio.timeout(MOST_S):
            assert b" 408 " in await reader.readline()


async def test_a_compressed_offer_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(1 << 24))
    headers = {"Content-Type": "application/sdp", "Content-Encoding": "gzip"}
    async with (
        client(whip.routes(switchboard())) as http,
        http.post("/whip", data=bomb, headers=headers) as answer,
    ):
        assert answer.status == 415
        assert answer.headers["Accept-Encoding"] == "identity"


async def test_a_reader_of_events_that_sleeps_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "WRITE_S", 0.1)
    bus = EventBus()
    ask = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with client(events.routes(bus)) as http, bare(http) as (reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(ask)
        async with asyncio.timeout(MOST_S):
            while not len(bus):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while len(bus):
                bus.publish("a", Entry(0, "words", {"text": "x" * 100_000}))
                await asyncio.sleep(0)
            async with http.get("/v1/events") as answer:  # others go on
                assert answer.status == 200
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert not (await ended(reader)).endswith(b"0\r\n\r\n")  # nothing is kept for it


async def test_the_pages_of_calls_leave_room_for_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST", 1)
    bus = EventBus()
    with bus.subscribe(call_id="a"), bus.subscribe(call_id="b"):
        async with client(events.routes(bus)) as http, http.get("/v1/events") as answer:
            assert answer.status == 200


TARGETS = [
    "/console/../../../etc/passwd",
    "/console/..%2f..%2fguard.py",
    "/console/%2e%2e/%2e%2e/v1/calls",
    "/console/../v1/calls",
    "/console//v1/calls",
    "//v1/calls",
    "/v1/calls/..%2f..%2f..%2fetc%2fpasswd/audio",
    f"/v1/calls/{CALL}%2f..%2f{CALL}/audio",
    f"/v1/calls/{CALL}%00/audio",
    f"/v1/calls/{CALL}%0d%0aSet-Cookie:%20a=b/audio",
    f"/v1/calls/{CALL}%0d%0aSet-Cookie:%20a=b",
    "/whip/%0d%0aLocation:%20evil",
    "/v1/calls?before=%0d%0aSet-Cookie:%20a=b",
    "http://evil.example/v1/calls",
    "/" + "a" * 9_000,
    "*",
    "\\\\evil",
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
async def test_no_path_leads_elsewhere(tmp_path: Path, target: str, host: str) -> None:
    leave(tmp_path, CALL)
    (tmp_path / "secret").write_text("root:")
    every = [
        *calls.routes(Up(), CallFolders(tmp_path)),
        *artefacts.routes(Up(), CallFolders(tmp_path)),
        *whip.routes(switchboard()),
    ]
    ask = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    async with client(every, known=tokens()) as http:
        answer = await raw(http, ask.encode())
    status = int(answer.split()[1])
    assert 400 <= status < 500
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"set-cookie" not in head.lower()
    assert b"root:" not in body


OPEN = {
    ("GET", "/"),
    ("GET", "/console/{name}"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("DELETE", "/login"),
}


async def test_no_route_is_open_by_oversight(tmp_path: Path) -> None:
    site = built(tmp_path)
    assert {(method, path) for method, path in routes(site) if needed(method, path) is None} == OPEN


@asynccontextmanager
async def guarded(root: Path, tokens_file: Path) -> AsyncIterator[tuple[Site, str]]:
    site = built(root, tokens_file=str(tokens_file))
    await site.start()
    try:
        yield site, site.url
    finally:
        await site.close()


async def test_every_route_asks_for_its_scope_before_anything_else(tmp_path: Path) -> None:
    file = tmp_path / "tokens.yaml"
    words = {word: hashlib.sha256(word.encode()).hexdigest() for word in ("read", "call", "admin")}
    lines = [f"- {{name: {w}, sha256: {digest}, scopes: [{w}]}}" for w, digest in words.items()]
    file.write_text("\n".join(lines))
    async with guarded(tmp_path, file) as (site, url), aiohttp.ClientSession(url) as http:
        for method, path in sorted(routes(site) - OPEN):
            scope = str(needed(method, path))
            where = path.format(id=CALL, name="x")
            async with http.request(method, where) as answer:
                assert answer.status == 401, (method, path)
            for word in ("read", "call"):
                if word == scope:
                    continue
                headers = {"Authorization": f"Bearer {word}"}
                async with http.request(method, where, headers=headers) as answer:
                    assert answer.status == 403, (method, path, word)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_images_and_scripts_of_other_sites_get_nothing(tmp_path: Path, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    every = [*HELLO, web.get("/", hello)]
    async with client(every) as http:
        async with http.get("/v1/calls", headers=headers) as answer:
            assert answer.status == 403
        async with http.get("/", headers=headers) as answer:  # a link may lead to the page
            assert answer.status == 200
        async with http.get("/v1/calls", headers={"Sec-Fetch-Site": "same-origin"}) as answer:
            assert answer.status == 200

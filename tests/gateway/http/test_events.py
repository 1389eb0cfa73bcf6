"""``/v1/events``: what a browser's EventSource reads."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from gateway.bus import EventBus
from gateway.http import events
from media.timeline import Entry
from tests.gateway.http.sites import client

pytestmark = pytest.mark.live


async def block(answer: aiohttp.ClientResponse) -> list[str]:
    """The lines up to the next empty one."""
    lines = []
    async with asyncio.timeout(10):
        while line := (await answer.content.readline()).decode().rstrip("\n"):
            lines.append(line)
    return lines


async def test_facts_come_as_they_are_noted_until_the_bus_closes() -> None:
    bus = EventBus()
    async with client(events.routes(bus)) as here:
        async with here.get("/v1/events") as every, here.get("/v1/events?call_id=b") as only_b:
            assert every.content_type == "text/event-stream"
            assert every.headers["Cache-Control"] == "no-store"
            assert await block(every) == await block(only_b) == ["retry: 2000"]
            bus.publish("a", Entry(7, "digit", {"key": "1"}))
            bus.publish("b", Entry(8, "outcome", {"fault": "none", "reason": "goodbye"}))
            (line,) = await block(every)
            assert line == 'data: {"v":1,"at":7,"type":"digit","key":"1","call_id":"a"}'
            for answer in (every, only_b):
                (line,) = await block(answer)
                assert json.loads(line.removeprefix("data: "))["reason"] == "goodbye"
            bus.close()
            assert await every.content.read() == await only_b.content.read() == b""
        assert len(bus) == 0


async def test_a_quiet_stream_shows_that_it_is_alive() -> None:
    routes = events.routes(EventBus(), heartbeat_s=0.001)
    async with client(routes) as here, here.get("/v1/events") as answer:
        assert await block(answer) == ["retry: 2000"]
        assert await block(answer) == [": still here"]
        assert await block(answer) == [": still here"]


async def test_a_reader_is_told_what_it_missed() -> None:
    bus = EventBus()
    async with client(events.routes(bus)) as here, here.get("/v1/events") as answer:
        await block(answer)
        for number in range(300):  # in one breath: the reader has no time to take any
            bus.publish("a", Entry(number, "answer"))
        assert await block(answer) == ["event: dropped", 'data: {"dropped": 44}']
        (line,) = await block(answer)
        assert json.loads(line.removeprefix("data: "))["at"] == 44


async def test_readers_are_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST", 1)
    bus = EventBus()
    async with client(events.routes(bus)) as here, here.get("/v1/events") as first:
        await block(first)
        async with here.get("/v1/events") as second:
            assert second.status == 503
            assert second.headers["Retry-After"] == "10"


async def test_who_goes_away_is_forgotten() -> None:
    bus = EventBus()
    async with client(events.routes(bus, heartbeat_s=0.001)) as here:
        async with here.get("/v1/events") as answer:
            await block(answer)
            assert len(bus) == 1
        async with asyncio.timeout(10):
            while len(bus):  # noqa: ASYNC110 - until the next heartbeat finds nobody
                await asyncio.sleep(0)

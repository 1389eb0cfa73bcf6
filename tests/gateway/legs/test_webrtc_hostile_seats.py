"""A gateway with four seats, and browsers that do not take that well."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from bot.engines.scripted import ScriptedEngine
from gateway.http import whip
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsettings import WebRtcSettings
from media.clock import LoopClock
from tests.gateway.calls import check, summary
from tests.gateway.http.sites import client
from tests.gateway.legs.browser import browser
from tests.gateway.legs.whipline import SDP, call, hears, until
from tests.gateway.serving import GREETING, Serving, serving

pytestmark = pytest.mark.live
SEATS, CROWD = 4, 50
CALM = ("admission.burst=1000", "admission.half_open=100", "drain.seconds=1")


@asynccontextmanager
async def gateway(
    root: Path, *settings: str
) -> AsyncIterator[tuple[Serving, aiohttp.ClientSession]]:
    names = count(1)
    board = WebRtcSwitchboard(
        WebRtcSettings(connect_s=0.5, seat_s=5.0),
        clock=LoopClock(asyncio.get_running_loop()),
        token=lambda: f"name-{next(names)}",
        connect=Peer,
    )
    here = Serving(
        [],
        root,
        settings=[*CALM, *settings],
        engine=lambda: ScriptedEngine(GREETING, width=SEATS),
        boards=[board],
    )
    board.listen(here.gateway.bus)
    async with serving(here), client(whip.routes(board)) as http:
        yield here, http


async def test_a_crowd_takes_all_seats_and_loses_none(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (here, http), browser() as one:
        offer = await one.offer()

        async def ask() -> int:
            async with http.post("/whip", data=offer, headers=SDP) as answer:
                if answer.status == 503:
                    assert int(answer.headers["Retry-After"]) > 0
                    assert (await answer.json(content_type=None))["detail"] == "full"
                return answer.status

        for _ in range(3):
            answers = Counter(await asyncio.gather(*(ask() for _ in range(CROWD))))
            assert answers == {201: SEATS, 503: CROWD - SEATS}
            assert here.gateway.readiness.free == 0
            await until(lambda: here.gateway.readiness.free == SEATS)
        await until(lambda: here.gateway.readiness.calls == 0)
    assert here.gateway.telemetry.refused == {"full": 3 * (CROWD - SEATS)}
    assert len(here.folders()) == 3 * SEATS
    for folder in here.folders():
        check(folder)
        assert summary(folder)["outcome"] == {"fault": "caller", "reason": "ice-failed"}


async def test_a_crowd_of_one_source_is_slowed_down(tmp_path: Path) -> None:
    async with gateway(tmp_path, "admission.burst=5", "admission.calls_per_second=0.1") as (
        here,
        http,
    ):
        async with browser() as one:
            offer = await one.offer()
            for _ in range(CROWD):
                async with http.post("/whip", data=offer, headers=SDP) as answer:
                    assert answer.status in (201, 503)
        assert here.gateway.telemetry.refused["too-fast"] == CROWD - 5


async def test_a_call_that_is_up_is_ended_in_order_when_the_gateway_stops(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (here, http), browser() as one:
        await call(one, http)
        await hears(one, ms=300)
        here.drain.ask()
        async with http.post("/whip", data=await one.offer(), headers=SDP) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
        await until(lambda: here.gateway.readiness.calls == 0)
        await until(lambda: any('"outcome"' in text for text in one.messages))
    (folder,) = here.folders()
    check(folder)
    assert summary(folder)["outcome"] == {"fault": "gateway", "reason": "stopped"}

"""A switchboard for browsers behind an HTTP server, whose calls are answered by one engine."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import aiohttp

from bot.engines.echo import EchoEngine
from bot.inline import InlineStepper
from gateway.bus import EventBus
from gateway.call import Call
from gateway.http import whip
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsettings import WebRtcSettings
from media.clock import LoopClock
from tests.gateway.calls import call_of, stepper_of
from tests.gateway.http.sites import client
from tests.gateway.legs.browser import RATE, Browser

SDP = {"Content-Type": "application/sdp"}


class Line:
    """A switchboard whose calls are answered by one engine."""

    def __init__(self, folder: Path, stepper: InlineStepper, *, connect_s: float) -> None:
        names = count(1)
        self.bus = EventBus()
        self.board = WebRtcSwitchboard(
            WebRtcSettings(connect_s=connect_s, silent_s=1.5),
            clock=LoopClock(asyncio.get_running_loop()),
            token=lambda: f"name-{next(names)}",
            connect=Peer,
        )
        self.board.listen(self.bus)
        self.outcomes: list[str] = []
        self.busy = 0  # calls that are up
        self._folder, self._stepper = folder, stepper
        folder.mkdir()

    @property
    def folders(self) -> list[Path]:
        return sorted(self._folder.iterdir())

    async def answer_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            number = 0
            async for offer in self.board.offers():
                number += 1
                folder = self._folder / f"call-{number}"
                publish = functools.partial(self.bus.publish, folder.name)
                call, _ = call_of(offer.leg(), self._stepper, folder, watch=publish)
                offer.named(call.id)
                group.create_task(self._run(call))

    async def _run(self, call: Call) -> None:
        self.busy += 1
        try:
            self.outcomes.append(str(await call.run()))
        finally:
            self.busy -= 1


async def until(true: Callable[[], bool], *, most_s: float = 10.0) -> None:
    async with asyncio.timeout(most_s):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


@asynccontextmanager
async def line(
    folder: Path, stepper: InlineStepper | None = None, *, connect_s: float = 5.0
) -> AsyncIterator[tuple[Line, aiohttp.ClientSession]]:
    """A switchboard, and the HTTP server before it. Nothing of it is left afterwards."""
    stepper = stepper or await stepper_of(EchoEngine(width=2))
    here = Line(folder, stepper, connect_s=connect_s)
    await here.board.start()
    before = asyncio.all_tasks()
    answering = asyncio.get_running_loop().create_task(here.answer_all())
    try:
        async with client(whip.routes(here.board)) as http:
            yield here, http
    finally:
        await here.board.close()
        await answering
    await until(lambda: asyncio.all_tasks() <= before)


async def call(one: Browser, http: aiohttp.ClientSession) -> str:
    """Returns where the call can be ended."""
    async with http.post("/whip", data=await one.offer(), headers=SDP) as response:
        assert response.status == 201, await response.text()
        assert response.content_type == "application/sdp"
        assert response.headers["Call-Id"]
        assert response.headers["ETag"]
        await one.take(await response.text())
        return response.headers["Location"]


async def hears(one: Browser, *, ms: int) -> None:
    """Until so much sound has come."""
    await until(lambda: len(one.heard) >= ms * RATE // 1000)

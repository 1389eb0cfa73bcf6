"""The browser leg with an echo behind it, packet by packet, and a page that measures it.

``python -m tests.peers.echoserver`` serves on a free port of 127.0.0.1, says where, and stops when
its input is closed. No call, no engine, no frames of 80 ms: what is measured is the leg.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from itertools import count
from pathlib import Path

import numpy as np
from aiohttp import web

from gateway.http import whip
from gateway.legs.base import Leg
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsettings import WebRtcSettings
from gateway.offers import Offer
from gateway.outcome import CALLER_LEFT
from media.clock import LoopClock
from media.frame import MEDIA_RATE, PACKET, AudioFrame, Pcm, silence
from media.playout import Played

PAGE = Path(__file__).parent / "console"
TYPES = {".html": "text/html", ".js": "text/javascript"}


class Echo:
    """What came last goes out next. At most two packets wait, or a stall would delay for ever."""

    def __init__(self, rate: int) -> None:
        self._rate, self._sent = rate, 0
        self._waiting: deque[Pcm] = deque(maxlen=2)

    def push(self, pcm: Pcm) -> None:
        """20 ms of the caller."""
        self._waiting.append(pcm)

    def pull(self) -> Played:
        length = PACKET * self._rate // MEDIA_RATE
        pcm = self._waiting.popleft() if self._waiting else silence(length)
        frame = AudioFrame(np.ascontiguousarray(pcm), self._rate, self._sent)
        self._sent += len(pcm)
        return Played(frame, 0, self._sent * MEDIA_RATE // self._rate, 0)


async def converse(leg: Leg) -> None:
    """Until the caller leaves."""
    echo = Echo(leg.rate)
    await leg.answer(echo)
    async for event in leg.events():
        if isinstance(event, AudioFrame):
            echo.push(event.pcm)
    await leg.hangup(CALLER_LEFT)


async def answer_all(board: WebRtcSwitchboard) -> None:
    """Every call, until the switchboard is closed."""
    async with asyncio.TaskGroup() as group:
        offer: Offer
        async for offer in board.offers():
            group.create_task(converse(offer.leg()))


async def main() -> None:
    names = count(1)
    board = WebRtcSwitchboard(
        WebRtcSettings(),
        clock=LoopClock(asyncio.get_running_loop()),
        token=lambda: f"echo-{next(names)}",
        connect=Peer,
    )

    async def file(request: web.Request) -> web.Response:
        path = PAGE / request.match_info.get("name", "echo.html")
        return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix])

    app = web.Application()
    app.add_routes([*whip.routes(board), web.get("/", file), web.get("/{name}", file)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await board.start()
    answering = asyncio.create_task(answer_all(board))
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await board.close()
        await answering
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())

"""Servers for callers of ``webrtccaller``, each in a process of its own, on loopback.

    python -m benchmarks.webrtcserver leg|echo|stock VOICE

``leg``: switchboard and legs alone, without calls: VOICE streams to every caller, what they say
becomes 16 kHz and frames of 80 ms, as an engine is fed. ``echo``: the same legs, each packet of
sound goes straight back. ``stock``: aiortc as it is, set up as its own examples do, gives every
caller's track back. Prints the address and serves until its input ends; then what the legs counted.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from benchmarks.child import child
from benchmarks.sipgateway import mirrored
from benchmarks.webrtccaller import LOOPBACK, on_loopback
from benchmarks.webrtcvoice import RATE, SIZE
from gateway.errors import LegError
from gateway.http import whip
from gateway.legs.base import Leg
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsettings import WebRtcSettings
from gateway.outcome import CALLER_LEFT
from media.clock import LoopClock
from media.frame import MEDIA_RATE, STEP, AudioFrame, Pcm
from media.framer import Framer
from media.playout import Played
from media.resample import Resampler

SDP = "application/sdp"
STOP_S = 30.0

Figures = list[Mapping[str, Any]]


class Monologue:
    """``voice`` over and over (24 kHz, whole packets)."""

    def __init__(self, voice: Pcm) -> None:
        self._packets = voice.reshape(-1, SIZE)
        self._pulled = 0

    def pull(self) -> Played:
        """The next packet."""
        pcm = self._packets[self._pulled % len(self._packets)]
        frame = AudioFrame(pcm, RATE, self._pulled * SIZE)
        self._pulled += 1
        return Played(frame, 0, 0, 0)


@dataclass(slots=True)
class Serving:
    """One that listens at ``url``; ``figures`` of its legs are there once it has ended."""

    pid: int
    url: str
    figures: Figures = field(default_factory=list)


@contextmanager
def serving(kind: str, *, voice: Path) -> Iterator[Serving]:
    """Start it, and stop it at the end. ``SystemExit`` if it does not start."""
    with child("benchmarks.webrtcserver", kind, str(voice), stop_s=STOP_S) as server:
        if not server.first:
            raise SystemExit(f"the server {kind} does not start")
        here = Serving(server.pid, server.first)
        yield here
    here.figures += json.loads(server.rest)


async def talk(leg: Leg, voice: Pcm) -> None:
    """Say it, and make of what comes what an engine is fed, until the caller leaves."""
    resampler, framer = Resampler(leg.rate, MEDIA_RATE), Framer(STEP)
    await leg.answer(Monologue(voice))
    async for event in leg.events():
        if isinstance(event, AudioFrame):
            framer.push(resampler.push(event.pcm))
    await leg.hangup(CALLER_LEFT)


async def _legs(answer: Callable[[Leg], Awaitable[None]]) -> Figures:
    board = WebRtcSwitchboard(
        WebRtcSettings(host=LOOPBACK),
        clock=LoopClock(asyncio.get_running_loop()),
        token=secrets.token_urlsafe,
        connect=Peer,
    )
    await board.start()
    legs: list[Leg] = []

    async def take() -> None:
        async with asyncio.TaskGroup() as calls:
            async for offer in board.offers():
                legs.append(offer.leg())
                calls.create_task(_run(answer(legs[-1])))

    taking = asyncio.create_task(take())
    await _serve(whip.routes(board))
    await board.close()
    await taking
    return [leg.figures for leg in legs]


async def _run(call: Awaitable[None]) -> None:
    try:
        await call
    except LegError as error:  # who measures sees that packets are missing
        print(error, file=sys.stderr)


async def _stock() -> Figures:
    connections: list[RTCPeerConnection] = []

    async def call(request: web.Request) -> web.Response:
        # Without a list of servers the library would ask one of a third party.
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.append(pc)
        pc.on("track", pc.addTrack)
        await pc.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        on_loopback(pc)
        await pc.setLocalDescription(await pc.createAnswer())
        return web.Response(status=201, text=pc.localDescription.sdp, content_type=SDP)

    await _serve([web.post("/whip", call)])
    for pc in connections:
        await pc.close()
    return []


async def _serve(routes: Any) -> None:
    """Until standard input ends."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    print(f"http://{LOOPBACK}:{runner.addresses[0][1]}/whip", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


async def main(kind: str, voice: Path) -> None:
    """Serve until standard input ends; then tell the figures."""
    if kind == "stock":
        figures = await _stock()
    elif kind == "leg":
        said = np.load(voice)
        figures = await _legs(lambda leg: talk(leg, said))
    else:
        figures = await _legs(mirrored)
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))

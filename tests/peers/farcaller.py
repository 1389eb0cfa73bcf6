"""A browser in a process of its own, to be put into another network.

It is told its STUN and TURN servers as JSON, says its offer, hears the answer, and says what it
heard of each second of sound; a line of JSON each. It hangs up when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiortc import RTCConfiguration, RTCIceServer
from aiortc.rtcconfiguration import RTCIceTransportPolicy

from tests.gateway.legs.browser import RATE, browser, pitch

SETTLE_MS = 500  # of the echo, until its beginning has passed


class FarCaller:
    """The test's end of it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def told(self, *, within_s: float = 15.0) -> dict[str, Any]:
        """The next thing it says."""
        assert self._process.stdout is not None
        async with asyncio.timeout(within_s):
            line = await self._process.stdout.readline()
        assert line, "the caller has gone"
        return dict(json.loads(line))

    def tell(self, **what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")

    async def end(self) -> None:
        """Hang up, and leave."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(15):
            await self._process.wait()


@asynccontextmanager
async def far_caller(
    within: Sequence[str],
    *,
    host: str,
    hz: float = 440.0,
    servers: Sequence[Mapping[str, str]] = (),
    relay_only: bool = False,
) -> AsyncIterator[FarCaller]:
    """``servers`` have ``urls``, and ``username`` and ``credential`` where they need those.

    Whoever was not told to end vanishes.
    """
    settings = {"host": host, "hz": hz, "servers": list(servers), "relay_only": relay_only}
    process = await asyncio.create_subprocess_exec(
        *within,
        *(sys.executable, "-m", "tests.peers.farcaller", json.dumps(settings)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    here = FarCaller(process)
    try:
        yield here
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def main(settings: dict[str, Any]) -> None:
    configuration = RTCConfiguration(
        iceServers=[RTCIceServer(**one) for one in settings["servers"]],
        iceTransportPolicy=RTCIceTransportPolicy.RELAY
        if settings["relay_only"]
        else RTCIceTransportPolicy.ALL,
    )
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async with browser(
        hz=settings["hz"], host=settings["host"], configuration=configuration
    ) as one:
        print(json.dumps({"sdp": await one.offer()}), flush=True)
        answer = await reader.readline()
        if not answer:
            return
        await one.take(json.loads(answer)["sdp"])
        ended = asyncio.create_task(reader.read())
        heard = SETTLE_MS * RATE // 1000
        while not ended.done():
            await asyncio.wait([ended], timeout=0.05)
            if len(one.heard) >= heard + RATE:
                second = one.heard[heard : heard + RATE]
                heard += RATE
                print(json.dumps({"hz": pitch(second, rate=RATE)}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

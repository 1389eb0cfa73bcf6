"""A browser's call for the price of few: packets encoded beforehand go out, none that come are
decoded, and the kernel stamps each, not a busy Python.

    python -m benchmarks.webrtccaller URL CALLS VOICE

Calls the WHIP endpoint, says ``ready``, talks until its input ends, and tells what it heard.
Only the connection is aiortc's; its media path is not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import json
import struct
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from benchmarks.child import child
from benchmarks.webrtcvoice import PACKET_S, encoded
from media.opus import CLOCK_RATE

SIOCGSTAMPNS = 0x8907  # of Linux: when the packet that was read last came in
LOOPBACK = "127.0.0.1"
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet that came: when the kernel took it in (Unix time, s). No ``payload`` unless kept."""

    at_s: float
    timestamp: int
    payload: bytes = b""


class Caller:
    """A connected call. ``arrivals`` grows while it lasts; ``keep``: with payloads."""

    def __init__(self, pc: RTCPeerConnection, *, payload_type: int, keep: bool) -> None:
        sender: Any = pc.getSenders()[0]
        self._dtls, self._source, self._type = sender.transport, sender._ssrc, payload_type
        self._keep = keep
        self.arrivals: list[Arrival] = []
        self.began_s = 0.0  # Unix time at which packet 0 was due
        for protocol in self._dtls.transport._connection._protocols:
            self._tap(protocol)

    async def talk(self, payloads: Sequence[bytes], plan: Iterable[tuple[float, int]]) -> None:
        """Send a packet (they repeat) of that number, so many seconds from now; in that order."""
        loop = asyncio.get_running_loop()
        began, self.began_s = loop.time(), time.time()
        for at_s, number in plan:
            await asyncio.sleep(began + at_s - loop.time())
            head = struct.pack(
                "!BBHII", 0x80, self._type, number & 0xFFFF, number * 960, self._source
            )
            await self._dtls._send_rtp(head + payloads[number % len(payloads)])

    def _tap(self, protocol: Any) -> None:
        take, stamp = protocol.datagram_received, bytearray(16)
        socket = protocol.transport.get_extra_info("socket").fileno()

        def datagram_received(data: bytes, address: Any) -> None:
            if not 127 < data[0] < 192 or 192 <= data[1] <= 223:  # not RTP: RFC 7983, RFC 5761
                take(data, address)
                return
            fcntl.ioctl(socket, SIOCGSTAMPNS, stamp)
            seconds, ns = struct.unpack("qq", stamp)
            (timestamp,) = struct.unpack_from("!I", data, 4)
            payload = b""
            if self._keep:
                payload = RtpPacket.parse(self._dtls._rx_srtp.unprotect(data)).payload
            self.arrivals.append(Arrival(seconds + ns / 1e9, timestamp, payload))

        protocol.datagram_received = datagram_received


@asynccontextmanager
async def calling(
    http: aiohttp.ClientSession, url: str, *, keep: bool = False
) -> AsyncIterator[Caller]:
    """Call ``url``; hangs up at the end."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    location = None
    try:
        pc.addTransceiver("audio", direction="sendrecv")
        on_loopback(pc)
        await pc.setLocalDescription(await pc.createOffer())
        offer, kind = pc.localDescription.sdp.encode(), {"Content-Type": "application/sdp"}
        async with http.post(url, data=offer, headers=kind) as response:
            answer, location = await response.text(), response.headers.get("Location")
            if response.status != 201:
                raise SystemExit(f"the call is refused: {response.status} {answer}")
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(PATIENCE_S):
            while pc.connectionState != "connected":  # noqa: ASYNC110 - both of its events count
                await asyncio.sleep(0.01)
        chosen = next(line for line in answer.splitlines() if line.startswith("m=audio"))
        yield Caller(pc, payload_type=int(chosen.split()[3]), keep=keep)
    finally:
        if location is not None:
            async with http.delete(urljoin(url, location)):
                pass
        await pc.close()


def on_loopback(pc: RTCPeerConnection) -> None:
    """It shall be reached, and reach others, there alone."""
    connection: Any = pc.getTransceivers()[0].receiver.transport.transport._connection
    gather = connection.get_component_candidates

    async def loopback(component: int, addresses: list[str]) -> Any:
        return await gather(component=component, addresses=[LOOPBACK])

    connection.get_component_candidates = loopback


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one call: packets, seconds between the first and the last, and how late each was, ms.

    A packet is late against the one that was quickest, by its timestamp.
    """

    packets: int
    seconds: float
    late_ms: list[float]

    @property
    def missing(self) -> int:
        """Packets that a stream without holes would have had."""
        return max(0, round(self.seconds / PACKET_S) + 1 - self.packets)


def heard(arrivals: Sequence[Arrival]) -> Heard:
    """What came, told from the arrivals of one call."""
    if len(arrivals) < 2:
        return Heard(len(arrivals), 0.0, [])
    at = np.array([one.at_s for one in arrivals])
    steps = np.diff(np.array([one.timestamp for one in arrivals], np.uint32)).astype(np.int32)
    delay = at - np.concatenate(([0], np.cumsum(steps))) / CLOCK_RATE
    late = 1_000 * (delay - delay.min())
    return Heard(len(at), float(at[-1] - at[0]), [round(float(ms), 2) for ms in late])


@dataclass(slots=True)
class Crowd:
    """Callers in a process of their own; ``heard`` is there once they have hung up."""

    pid: int
    heard: list[Heard]


@contextmanager
def crowd(url: str, calls: int, *, voice: Path) -> Iterator[Crowd]:
    """All are connected and talk when entered, and hang up at the end."""
    words = (url, str(calls), str(voice))
    with child("benchmarks.webrtccaller", *words, stop_s=PATIENCE_S + calls) as callers:
        if callers.first != "ready":
            raise SystemExit("the callers do not get through")
        people = Crowd(callers.pid, [])
        yield people
    people.heard += [Heard(**one) for one in json.loads(callers.rest)]


async def main(url: str, calls: int, voice: Path) -> None:
    """Talk until standard input ends."""
    payloads = encoded(np.load(voice))
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        callers = [await stack.enter_async_context(calling(http, url)) for _ in range(calls)]
        talks = []
        for caller in callers:
            plan = ((n * PACKET_S, n) for n in itertools.count())
            talks.append(asyncio.create_task(caller.talk(payloads, plan)))
            await asyncio.sleep(PACKET_S * (1 + 1 / calls))  # not in step
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        found = [heard(caller.arrivals) for caller in callers]
        for talk in talks:
            talk.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await talk
    print(json.dumps([asdict(one) for one in found]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))

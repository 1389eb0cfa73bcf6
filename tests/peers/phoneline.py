"""The media half of a test's telephone: RTP (RFC 3550) both ways, keys by RFC 4733."""

from __future__ import annotations

import asyncio
import struct

import numpy as np

from media.clock import LoopClock
from media.frame import Pcm, silence
from tests.peers.payloads import CODERS
from tests.peers.way import Way

EVENT = 101  # payload type of telephone-event
TICK = 160  # of RTP's clock, which is 8 kHz, of G.722 too: RFC 3551 §4.5.2
SOURCE = 0x5EED  # our SSRC


class PhoneLine(asyncio.DatagramProtocol):
    """Sends ``to_say`` and then silence to where it is aimed, unless ``mute``; keeps what comes."""

    def __init__(
        self, *, codec: str = "PCMU", way: Way | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.host = host
        self.coder = CODERS[codec]()
        self.way = way or Way()
        self.to_say: Pcm = silence(0)
        self.mute = False
        self.sent = 0  # packets, those lost on the way too
        self._packets: list[tuple[float, bytes]] = []
        self._sockets: list[asyncio.DatagramTransport] = []
        self._far: tuple[str, int] | None = None
        self._talking: asyncio.Task[None] | None = None
        self._now = 0

    async def open(self) -> PhoneLine:
        await self.rebind()
        return self

    async def rebind(self) -> None:
        """Media from and to another port from now on; what still comes to the old one is heard."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        self._sockets.append(transport)

    async def close(self) -> None:
        if self._talking is not None:
            self._talking.cancel()
            await asyncio.wait([self._talking])
        for transport in self._sockets:
            transport.close()

    @property
    def port(self) -> int:
        """Where media arrives."""
        port: int = self._sockets[-1].get_extra_info("sockname")[1]
        return port

    @property
    def far(self) -> tuple[str, int]:
        """Where the gateway hears us."""
        assert self._far is not None
        return self._far

    def aim(self, far: tuple[str, int]) -> None:
        """Send there."""
        self._far = far

    # ---- out ---------------------------------------------------------------------------------

    def talk(self) -> None:
        """Begin to send."""
        self._talking = asyncio.get_running_loop().create_task(self._talk())

    def press(self, key: str) -> None:
        """One RFC 4733 event: three packets under way, three ends, none with a marker."""
        code = "0123456789*#ABCD".index(key)
        at = self._now
        for duration in (160, 320, 480, 480, 480, 480):
            end = 0x80 if duration == 480 else 0
            self._packet(EVENT, struct.pack("!BBH", code, end | 10, duration), at=at)

    async def until_sent(self, count: int, *, within_s: float = 12.0) -> None:
        """Wait until so many packets are on their way."""
        async with asyncio.timeout(within_s):
            while self.sent < count:  # noqa: ASYNC110 - one goes every 20 ms
                await asyncio.sleep(0.005)

    async def _talk(self) -> None:
        clock = LoopClock(asyncio.get_running_loop())
        began, tick = clock.now(), 0
        size = self.coder.rate // 50
        while True:
            await clock.sleep_until(began + tick * 0.02)
            if self._far is not None and not self.mute:
                said, self.to_say = self.to_say[:size], self.to_say[size:]
                said = np.concatenate([said, silence(size - len(said))])
                self._packet(self.coder.payload, self.coder.encode(said), at=tick * TICK)
            tick += 1
            self._now = tick * TICK

    def _packet(self, kind: int, body: bytes, *, at: int) -> None:
        head = struct.pack("!BBHII", 0x80, kind, self.sent & 0xFFFF, at, SOURCE)
        self.sent += 1
        self.way.carry(head + body, self._send)

    def _send(self, packet: bytes) -> None:
        transport = self._sockets[-1]
        if self._far is not None and not transport.is_closing():
            transport.sendto(packet, self._far)

    # ---- in ----------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._packets.append((asyncio.get_running_loop().time(), data))

    @property
    def arrivals(self) -> list[float]:
        """When packets came, in seconds of the loop."""
        return [at for at, _ in self._packets]

    def heard(self, start: int = 0) -> Pcm:
        """All that came from packet ``start`` on, in order of arrival."""
        coder = CODERS[self.coder.name]()
        bodies = [data[12:] for _, data in self._packets[start:] if data[1] & 0x7F == coder.payload]
        return np.concatenate([silence(0), *(coder.decode(body) for body in bodies)])

    async def until_heard(self, count: int, *, within_s: float = 8.0) -> None:
        """Wait for ``count`` packets more."""
        wanted = len(self._packets) + count
        async with asyncio.timeout(within_s):
            while len(self._packets) < wanted:  # noqa: ASYNC110 - one comes every 20 ms
                await asyncio.sleep(0.02)

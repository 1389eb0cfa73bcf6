"""The media half of a telephone, for peers whose own cannot say what they heard."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gateway.legs.sipsettings import WorkerSettings
from media.clock import LoopClock
from media.frame import Pcm, silence
from media.g711 import ulaw_decode, ulaw_encode
from tests.peers.softphone import PACKET


def apart(settings: WorkerSettings) -> WorkerSettings:
    """With other RTP ports than the usual ones, whose callers may still be talking."""
    return replace(settings, rtp_port_min=24_000, rtp_port_max=24_999)


@dataclass(frozen=True, slots=True)
class Packet:
    """An RTP packet that came, at ``at_s`` of the loop; ``count`` is its sequence number."""

    at_s: float
    kind: int
    count: int
    source: int
    body: bytes


class RtpEnd(asyncio.DatagramProtocol):
    """Sends PCMU to wherever the first packet came from, and keeps what comes from there."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.to_say: Pcm = silence(0)
        self.mute = False
        self._peer: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._talking: asyncio.Task[None] | None = None

    async def open(self, host: str = "127.0.0.1") -> RtpEnd:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        self._talking = loop.create_task(self._talk())
        return self

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def follow(self, other: RtpEnd) -> None:
        """Send to where ``other`` sends, without waiting for a packet."""
        self._peer = other._peer

    async def close(self) -> None:
        if self._talking is not None:
            self._talking.cancel()
            await asyncio.wait([self._talking])
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        count, source = struct.unpack("!2xH4xI", data[:12])
        now = asyncio.get_running_loop().time()
        self._peer = self._peer or addr[:2]
        if addr[:2] != self._peer:
            return  # for whoever had this port before us
        self.packets.append(Packet(now, data[1] & 0x7F, count, source, data[12:]))

    def heard(self) -> Pcm:
        """The PCMU that came, in the order of arrival."""
        return ulaw_decode(b"".join(packet.body for packet in self.packets if packet.kind == 0))

    def missing_ms(self) -> int:
        """How much less came than time went by: what was never sent, or lost on the way."""
        first, last = self.packets[0], self.packets[-1]
        return round((last.at_s - first.at_s) * 1_000) - (len(self.packets) - 1) * 20

    def unbroken(self) -> bool:
        """Whether all came from one source (SSRC), numbered without a gap."""
        numbers = [packet.count for packet in self.packets]
        whole = all((then - now) & 0xFFFF == 1 for now, then in pairwise(numbers))
        return whole and len({packet.source for packet in self.packets}) == 1

    async def until_heard(self, count: int, *, within_s: float = 8.0) -> None:
        """Wait for ``count`` packets more."""
        wanted = len(self.packets) + count
        async with asyncio.timeout(within_s):
            while len(self.packets) < wanted:  # noqa: ASYNC110 - a packet comes every 20 ms
                await asyncio.sleep(0.02)

    async def _talk(self) -> None:
        clock = LoopClock(asyncio.get_running_loop())
        began, tick = clock.now(), 0
        while True:
            await clock.sleep_until(began + tick * 0.02)
            if self._peer and self._transport and not self.mute:
                said, self.to_say = self.to_say[:PACKET], self.to_say[PACKET:]
                said = np.concatenate([said, silence(PACKET - len(said))])
                head = struct.pack("!BBHII", 0x80, 0, tick & 0xFFFF, tick * PACKET, 0xFACADE)
                self._transport.sendto(head + ulaw_encode(said), self._peer)
            tick += 1

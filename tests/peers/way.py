"""A bad network between a test's telephone and the gateway, the same at every run."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

import numpy as np


class Way:
    """Loses packets at random with chance ``loss``, delays each by up to ``jitter_ms``."""

    def __init__(self, *, loss: float = 0.0, jitter_ms: float = 0.0, seed: int = 1) -> None:
        self._loss, self._jitter_ms = loss, jitter_ms
        self._rng = np.random.default_rng(seed)
        self.lost = 0

    def carry(self, packet: bytes, send: Callable[[bytes], None]) -> None:
        """``send`` it, now, later or never."""
        if self._rng.random() < self._loss:
            self.lost += 1
        elif self._jitter_ms:
            delay_s = self._rng.uniform(0, self._jitter_ms) / 1_000
            asyncio.get_running_loop().call_later(delay_s, send, packet)
        else:
            send(packet)


class Reporter(asyncio.DatagramProtocol):
    """The far end's RTCP (RFC 3550 §6.4): answers each sender report, ``delay_ms`` late.

    It claims to have answered at once, so the delay is the way's; ``lost`` is what it complains of.
    """

    def __init__(self, *, delay_ms: int = 0, lost: int = 0) -> None:
        self._delay_ms, self._lost = delay_ms, lost
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self, port: int) -> Reporter:
        """Listen where the RTP port ``port`` makes the gateway send its reports."""
        loop = asyncio.get_running_loop()
        where = ("127.0.0.1", port + 1)
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=where)
        return self

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[1] == 200:
            loop = asyncio.get_running_loop()
            loop.call_later(self._delay_ms / 1_000, self._answer, data, addr)

    def _answer(self, asked: bytes, addr: tuple[str, int]) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        source, middle = struct.unpack("!I2xI", asked[4:14])
        block = struct.pack("!IIIIII", source, self._lost, 0, 0, middle, 1)
        self._transport.sendto(struct.pack("!BBHI", 0x81, 201, 7, 0x5EED) + block, addr)

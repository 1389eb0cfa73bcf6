"""Someone who sends whatever bytes a test likes, by UDP or TCP, and counts what comes back."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable

import numpy as np

from media.clock import LoopClock
from tests.peers.message import request

AGAIN_S = 0.5  # a request that is not answered is sent anew (RFC 3261 §17.1.2.2, T1)


class Stranger(asyncio.DatagramProtocol):
    """One address. Says 200 to every request, as a telephone does to a BYE."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.codes: Counter[int] = Counter()
        self.last: dict[str, int] = {}  # Call-ID to the latest code
        self.heard: Callable[[bytes], None] = lambda reply: None  # is told of every reply
        self._news = asyncio.Event()
        self._datagrams: asyncio.DatagramTransport | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self, *, tcp: bool = False) -> Stranger:
        loop = asyncio.get_running_loop()
        self.tcp = tcp
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self.here: tuple[str, int] = self._datagrams.get_extra_info("sockname")
        return self

    async def close(self) -> None:
        await self._hang_up()
        if self._datagrams is not None:
            self._datagrams.close()

    async def send(self, *pieces: bytes) -> None:
        """One datagram each; or, over TCP, one write each, on a new connection if need be."""
        for piece in pieces:
            if not self.tcp:
                assert self._datagrams is not None
                self._datagrams.sendto(piece, self.server)
                continue
            if self._writer is None or self._writer.is_closing():
                await self.connect()
            assert self._writer is not None
            try:
                self._writer.write(piece)
                await self._writer.drain()
            except ConnectionError:  # whoever sends rubbish may be cut off
                await self._hang_up()

    async def connect(self) -> None:
        """Begin a TCP connection, in place of the present one."""
        await self._hang_up()
        reader, self._writer = await asyncio.open_connection(*self.server)
        self.here = self._writer.get_extra_info("sockname")
        self._reader = asyncio.get_running_loop().create_task(self._read(reader, self._writer))

    async def until(self, call_id: str, *, within_s: float) -> int | None:
        """The first final code to ``call_id``; ``None`` if there is none in time."""
        try:
            async with asyncio.timeout(within_s):
                while self.last.get(call_id, 100) < 200:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        return self.last[call_id]

    async def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
            self._reader = None

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = b""
        while True:
            try:
                came = await reader.read(65_536)
            except ConnectionError:
                came = b""
            if not came:
                writer.close()
                return
            left += came
            while (message := _first(left)) is not None:
                left = left[len(message) :]
                self._take(message)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._take(data)

    def _take(self, message: bytes) -> None:
        if not message.startswith(b"SIP/2.0 "):
            self._agree(message)
            return
        code = int(message[8:11])
        self.codes[code] += 1
        self.last[call_id_of(message)] = code
        self.heard(message)
        self._news.set()

    def _agree(self, request: bytes) -> None:
        wanted = rb"(?im)^(?:Via|From|To|Call-ID|CSeq):[^\r\n]*"
        kept = [found[0] for found in re.finditer(wanted, request)]
        reply = b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""])
        if self.tcp and self._writer is not None:
            self._writer.write(reply)
        elif self._datagrams is not None:
            self._datagrams.sendto(reply, self.server)


def _first(stream: bytes) -> bytes | None:
    """The first whole message of a stream."""
    head, end, _ = stream.partition(b"\r\n\r\n")
    if not end:
        return None
    length = re.search(rb"(?im)^(?:Content-Length|l):\s*(\d+)", head)
    whole = len(head) + 4 + (int(length[1]) if length else 0)
    return stream[:whole] if len(stream) >= whole else None


def call_id_of(message: bytes) -> str:
    """Empty where there is none."""
    found = re.search(rb"(?im)^(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]*)", message)
    return found[1].decode("latin-1").strip() if found else ""


class Liveness:
    """Asks the server how it does (OPTIONS) four times a second, while a ``with`` lasts."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._stranger = Stranger(server)
        self.took_s: list[float] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Liveness:
        await self._stranger.open()
        self._task = asyncio.get_running_loop().create_task(self._visit())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._stranger.close()
        if not self._task.cancelled():
            self._task.result()

    @property
    def p95_s(self) -> float:
        return float(np.percentile(self.took_s, 95))

    async def _visit(self) -> None:
        clock = LoopClock(asyncio.get_running_loop())
        number = 0
        while True:
            number += 1
            began = clock.now()
            await self.ask(number)
            self.took_s.append(clock.now() - began)
            await clock.sleep_until(began + 0.25)

    async def ask(self, number: int) -> None:
        """Once; a datagram that a full buffer dropped is sent anew."""
        call_id = f"liveness{number}@{self._stranger.here[1]}"
        question = request("OPTIONS", here=self._stranger.here, call_id=call_id, number=number)
        for _ in range(8):
            await self._stranger.send(question.wire())
            if await self._stranger.until(call_id, within_s=AGAIN_S) is not None:
                return
        raise AssertionError("OPTIONS is not answered any more")

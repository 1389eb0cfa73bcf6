"""A caller for tests: a small SIP telephone of our own, with UDP or TCP, G.711 or G.722, tones.

It knows just enough of RFC 3261 and RFC 3550 to make one call, and keeps everything it is told.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from media.frame import Pcm
from tests.peers.phoneline import EVENT, PhoneLine
from tests.peers.way import Way

RATE, PACKET = 8_000, 160


def tone(hz: float, *, seconds: float, level: float = 8_000.0, rate: int = RATE) -> Pcm:
    """A sine."""
    at = np.arange(int(seconds * rate))
    return np.rint(level * np.sin(2 * np.pi * hz * at / rate)).astype(np.int16)


def pitch(pcm: Pcm, *, rate: int = RATE) -> float:
    """The strongest frequency of the loud second in the middle of a run, in hertz."""
    loud = np.flatnonzero(np.abs(pcm) > 1_000)
    assert len(loud) > rate, f"only {len(loud)} loud samples of {len(pcm)}"
    middle = int(loud[len(loud) // 2])
    window: npt.NDArray[np.float64] = pcm[middle - rate // 2 : middle + rate // 2].astype(float)
    spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window)), 16 * rate))
    return float(np.argmax(spectrum)) / 16


class Softphone(asyncio.DatagramProtocol):
    """One call to ``server``.

    ``codec`` is the only one it offers; ``told`` the address its offers name, which need not be
    where it listens: behind an address translator it is not. ``way`` is how its packets travel.
    """

    def __init__(
        self,
        server: tuple[str, int],
        *,
        name: str = "alice",
        codec: str = "PCMU",
        told: str = "127.0.0.1",
        way: Way | None = None,
    ) -> None:
        self.server, self.name, self._told = server, name, told
        self.line = PhoneLine(codec=codec, way=way)
        self.replies: list[tuple[int, str]] = []
        self.requests: list[str] = []
        self._news = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._to = ""  # with the tag
        self._cseq = 0
        self._branch = 0

    async def open(self, *, tcp: bool = False) -> Softphone:
        loop = asyncio.get_running_loop()
        await self.line.open()
        if tcp:
            self._stream = await asyncio.open_connection(*self.server)
            self._tasks.append(loop.create_task(self._read()))
            self._here = self._stream[1].get_extra_info("sockname")
        else:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=("127.0.0.1", 0)
            )
            self._here = self._transport.get_extra_info("sockname")
        self._via = "TCP" if tcp else "UDP"
        # Ports come again while a server still keeps what their last owner asked: hence the name.
        self.call_id = f"{self._here[1]}-{self.name}"
        return self

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.line.close()
        if self._transport is not None:
            self._transport.close()
        if self._stream is not None:
            self._stream[1].close()

    # ---- signalling --------------------------------------------------------------------------

    def invite(
        self,
        *,
        direction: str = "sendrecv",
        fields: Sequence[str] = (),
        callee: str = "4711",
        body: str | None = None,
    ) -> None:
        """Offer our media, or whatever ``body`` says; an empty one offers nothing."""
        self._cseq += 1
        self._branch += 1
        self._uri = f"sip:{callee}@{self.server[0]}:{self.server[1]}"
        self._to = self._to or f"<{self._uri}>"
        self._with_media("INVITE", self.sdp(direction) if body is None else body, fields)

    def sdp(self, direction: str = "sendrecv") -> str:
        """Our codec and telephone events."""
        port, coder = self.line.port, self.line.coder
        return (
            f"v=0\r\no=- 1 {self._cseq} IN IP4 {self._told}\r\ns=-\r\n"
            f"c=IN IP4 {self._told}\r\nt=0 0\r\nm=audio {port} RTP/AVP {coder.payload} {EVENT}\r\n"
            f"a=rtpmap:{coder.payload} {coder.name}/8000\r\n"
            f"a=rtpmap:{EVENT} telephone-event/8000\r\na={direction}\r\na=ptime:20\r\n"
        )

    def ack(self, body: str = "") -> None:
        self._branch += 1
        self._with_media("ACK", body)

    def _with_media(self, method: str, body: str, fields: Sequence[str] = ()) -> None:
        kind = ("Content-Type: application/sdp",) if body else ()
        self.send(method, fields=(*kind, *fields), body=body)

    def bye(self) -> None:
        self._cseq += 1
        self._branch += 1
        self.send("BYE")

    def cancel(self) -> None:
        self.send("CANCEL")

    def info(self, key: str, *, plain: bool = False) -> None:
        self._cseq += 1
        self._branch += 1
        kind = f"Content-Type: application/dtmf{'' if plain else '-relay'}"
        body = key if plain else f"Signal={key}\r\nDuration=160\r\n"
        self.send("INFO", fields=(kind,), body=body)

    def send(self, method: str, *, fields: Sequence[str] = (), body: str = "") -> None:
        here = f"{self._here[0]}:{self._here[1]}"
        lines = [
            f"{method} {self._uri} SIP/2.0",
            f"Via: SIP/2.0/{self._via} {here};branch=z9hG4bK{self.call_id}.{self._branch}",
            f"From: <sip:{self.name}@{here}>;tag=t{self._here[1]}",
            f"To: {self._to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self._cseq} {method}",
            f"Contact: <sip:{self.name}@{here};transport={self._via.lower()}>",
            "Max-Forwards: 70",
            *fields,
            f"Content-Length: {len(body)}",
        ]
        self._write("\r\n".join(lines) + "\r\n\r\n" + body)

    def _write(self, text: str) -> None:
        if self._transport is not None:
            self._transport.sendto(text.encode(), self.server)
        elif self._stream is not None:
            self._stream[1].write(text.encode())

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._take(data.decode(errors="replace"))

    async def _read(self) -> None:
        assert self._stream is not None
        reader = self._stream[0]
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            length = re.search(r"^Content-Length:\s*(\d+)", head, re.M | re.I)
            body = await reader.readexactly(int(length[1])) if length else b""
            self._take(head + body.decode())

    def _take(self, text: str) -> None:
        if not text.startswith("SIP/2.0"):
            self._reply(text)
            return
        code = int(text.split()[1])
        self.replies.append((code, text))
        if code >= 180 and (to := re.search(r"^To:\s*(.*?)\r$", text, re.M | re.I)):
            self._to = to[1]
        if code == 200 and "INVITE" in (_field(text, "CSeq")):
            port = re.search(r"^m=audio (\d+)", text, re.M)
            address = re.search(r"^c=IN IP4 (\S+)", text, re.M)
            assert port
            assert address
            self.line.aim((address[1], int(port[1])))
        elif code >= 300 and "INVITE" in _field(text, "CSeq"):
            self.send("ACK")
        self._news.set()

    def _reply(self, request: str) -> None:
        self.requests.append(request)
        kept = [
            line
            for line in request.split("\r\n")
            if re.match(r"(Via|From|To|Call-ID|CSeq):", line, re.I)
        ]
        self._write("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]))
        self._news.set()

    async def until(self, code: int, *, method: str = "INVITE", within_s: float = 20.0) -> str:
        """The first reply ``code`` to ``method`` of the present CSeq."""
        async with asyncio.timeout(within_s):
            while True:
                for got, text in self.replies:
                    number, what = _field(text, "CSeq").split()
                    if got == code and what == method and int(number) == self._cseq:
                        return text
                self._news.clear()
                await self._news.wait()

    async def final(self, *, within_s: float = 20.0) -> int:
        """The code that ends the present INVITE, whichever it is."""
        async with asyncio.timeout(within_s):
            while True:
                for code, text in self.replies:
                    if code >= 200 and _field(text, "CSeq") == f"{self._cseq} INVITE":
                        return code
                self._news.clear()
                await self._news.wait()

    async def until_asked(self, method: str, *, within_s: float = 20.0) -> str:
        """The first request ``method`` of the other side."""
        async with asyncio.timeout(within_s):
            while True:
                for text in self.requests:
                    if text.startswith(method):
                        return text
                self._news.clear()
                await self._news.wait()

    async def connect(self, *, fields: Sequence[str] = ()) -> Softphone:
        """Call, be answered, begin to send."""
        self.invite(fields=fields)
        await self.until(200)
        self.ack()
        self.talk()
        return self

    # ---- media: the line's, at hand ----------------------------------------------------------

    @property
    def to_say(self) -> Pcm:
        """What it has still to say, at its codec's rate; then it says nothing."""
        return self.line.to_say

    @to_say.setter
    def to_say(self, pcm: Pcm) -> None:
        self.line.to_say = pcm

    @property
    def mute(self) -> bool:
        """Whether it sends no packets at all."""
        return self.line.mute

    @mute.setter
    def mute(self, on: bool) -> None:
        self.line.mute = on

    @property
    def arrivals(self) -> list[float]:
        """When packets came, in seconds of the loop."""
        return self.line.arrivals

    def talk(self) -> None:
        self.line.talk()

    def press(self, key: str) -> None:
        self.line.press(key)

    def heard(self, start: int = 0) -> Pcm:
        return self.line.heard(start)

    async def until_heard(self, count: int, *, within_s: float = 20.0) -> None:
        await self.line.until_heard(count, within_s=within_s)


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}:\s*(.*?)\r$", text, re.M | re.I)
    return found[1] if found else ""

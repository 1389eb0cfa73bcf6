"""Who is called: a telephone and a registrar for tests. It answers as the test tells it to.

On its own it says 100 to an INVITE, 200 to BYE and OPTIONS, 200 and 487 to CANCEL, and challenges
a REGISTER if it has an ``account``.
"""

from __future__ import annotations

import asyncio
import re

from tests.peers.digest import Account, field
from tests.peers.phoneline import PhoneLine


class Callee(asyncio.DatagramProtocol):
    """Listens on a port of ``host``, UDP or TCP."""

    def __init__(self, *, account: Account | None = None, host: str = "127.0.0.1") -> None:
        self.account, self.host = account, host
        self.requests: list[str] = []
        self.replies: list[str] = []
        self.contacts: list[str] = []  # of REGISTERs that were accepted
        self.status: tuple[int, str] | None = None  # says this to every REGISTER instead
        self.hostile = False  # challenges a BYE
        self.line = PhoneLine(host=host)
        self._news = asyncio.Event()
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._peer: tuple[str, int] | None = None

    async def open(self, *, tcp: bool = False, port: int = 0) -> Callee:
        loop = asyncio.get_running_loop()
        await self.line.open()
        if tcp:
            self._server = await asyncio.start_server(self._read, self.host, port)
            self.port = int(self._server.sockets[0].getsockname()[1])
        else:
            self._udp, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=(self.host, port)
            )
            self.port = int(self._udp.get_extra_info("sockname")[1])
        self.via = "TCP" if tcp else "UDP"
        return self

    async def close(self) -> None:
        await self.line.close()
        if self._udp is not None:
            self._udp.close()
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()

    @property
    def uri(self) -> str:
        """What to dial."""
        return f"sip:1234@{self.host}:{self.port}"

    # ---- signalling --------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.strip():  # else a keep-alive
            self._peer = addr
            self._take(data.decode(errors="replace"))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lstrip()
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            length = re.search(r"^Content-Length:\s*(\d+)", head, re.M | re.I)
            body = await reader.readexactly(int(length[1])) if length else b""
            if head:
                self._take(head + body.decode())

    def _take(self, text: str) -> None:
        if text.startswith("SIP/2.0"):
            self.replies.append(text)
        else:
            self.requests.append(text)
            self._serve(text)
        self._news.set()

    def _serve(self, request: str) -> None:
        match request.split()[0]:
            case "REGISTER":
                self._register(request)
            case "INVITE":
                self.reply(request, 100, "Trying")
            case "BYE" if self.hostile:
                self.challenge(request)
            case "BYE" | "OPTIONS":
                self.reply(request, 200)
            case "CANCEL":
                self.reply(request, 200)
                self.reply(self.asked("INVITE")[-1], 487, "Request Terminated")

    def challenge(self, request: str) -> None:
        """407, as a proxy would say it; or a stranger in its name."""
        assert self.account is not None
        fields = [f"Proxy-Authenticate: {self.account.challenge()}"]
        self.reply(request, 407, "Proxy Authentication Required", fields=fields)

    def _register(self, request: str) -> None:
        if self.status is not None:
            self.reply(request, *self.status)
        elif self.account is not None and not self.account.knows(request):
            fields = [f"WWW-Authenticate: {self.account.challenge()}"]
            self.reply(request, 401, "Unauthorized", fields=fields)
        else:
            self.contacts.append(field(request, "Contact"))
            expires = field(request, "Expires")
            fields = [f"Contact: {field(request, 'Contact')};expires={expires}"]
            self.reply(request, 200, fields=fields)

    def reply(
        self,
        request: str,
        code: int,
        reason: str = "OK",
        *,
        fields: list[str] | None = None,
        body: str = "",
    ) -> None:
        """Answer a request."""
        kept = [
            line
            for line in request.split("\r\n")
            if re.match(r"(Via|From|To|Call-ID|CSeq|Record-Route):", line, re.I)
        ]
        if code > 100:
            kept = [
                line + ";tag=callee" if line.startswith("To:") and "tag=" not in line else line
                for line in kept
            ]
        media = re.search(r"^m=audio (\d+)", request, re.M)
        if media:
            self.line.aim(("127.0.0.1", int(media[1])))
        kind = ["Content-Type: application/sdp"] if body else []
        contact = [f"Contact: <sip:callee@{self.host}:{self.port};transport={self.via.lower()}>"]
        if request.startswith("REGISTER"):
            contact = []
        self._write(f"SIP/2.0 {code} {reason}", [*kept, *contact, *kind, *(fields or [])], body)

    def request(self, method: str, *, fields: list[str] | None = None, cseq: int = 1) -> None:
        """Ask something inside the call."""
        invite = self.asked("INVITE")[-1]
        target = re.search(r"<([^>]*)>", field(invite, "Contact"))
        assert target
        lines = [
            f"Via: SIP/2.0/{self.via} {self.host}:{self.port};branch=z9hG4bK{method}{cseq}",
            f"From: {field(invite, 'To')};tag=callee",
            f"To: {field(invite, 'From')}",
            f"Call-ID: {field(invite, 'Call-ID')}",
            f"CSeq: {cseq} {method}",
            "Max-Forwards: 70",
            *(fields or []),
        ]
        self._write(f"{method} {target[1]} SIP/2.0", lines, "")

    def invite(self, contact: str, *, callee: str) -> None:
        """Call who registered, at its contact."""
        target = re.search(r"<([^>]*)>", contact)
        assert target
        lines = [
            f"Via: SIP/2.0/{self.via} {self.host}:{self.port};branch=z9hG4bKcall",
            f"From: <sip:outside@{self.host}:{self.port}>;tag=out",
            f"To: <sip:{callee}@{self.host}:{self.port}>",
            f"Call-ID: in@{self.port}",
            "CSeq: 1 INVITE",
            "Max-Forwards: 70",
            f"Contact: <sip:outside@{self.host}:{self.port};transport={self.via.lower()}>",
            "Content-Type: application/sdp",
        ]
        self._write(f"INVITE {target[1]} SIP/2.0", lines, self.sdp())

    def ack(self, answer: str) -> None:
        """Acknowledge the 200 to our ``invite``."""
        target = re.search(r"<([^>]*)>", field(answer, "Contact"))
        assert target
        lines = [
            f"Via: SIP/2.0/{self.via} {self.host}:{self.port};branch=z9hG4bKack",
            f"From: {field(answer, 'From')}",
            f"To: {field(answer, 'To')}",
            f"Call-ID: {field(answer, 'Call-ID')}",
            "CSeq: 1 ACK",
            "Max-Forwards: 70",
        ]
        self._write(f"ACK {target[1]} SIP/2.0", lines, "")

    def _write(self, first: str, lines: list[str], body: str) -> None:
        whole = "\r\n".join([first, *lines, f"Content-Length: {len(body)}", "", body])
        if self._udp is not None:
            assert self._peer is not None
            self._udp.sendto(whole.encode(), self._peer)
        elif self._writer is not None:
            self._writer.write(whole.encode())

    def asked(self, method: str) -> list[str]:
        """All requests of that method so far."""
        return [text for text in self.requests if text.split()[0] == method]

    async def until_asked(self, method: str, *, times: int = 1, within_s: float = 10.0) -> str:
        """The last request of ``times`` ones of that method."""
        async with asyncio.timeout(within_s):
            while len(self.asked(method)) < times:
                self._news.clear()
                await self._news.wait()
        return self.asked(method)[times - 1]

    async def until_told(self, code: int, *, within_s: float = 10.0) -> str:
        """The first reply ``code``."""
        async with asyncio.timeout(within_s):
            while True:
                for text in self.replies:
                    if text.split()[1] == str(code):
                        return text
                self._news.clear()
                await self._news.wait()

    async def until_registered(self, *, times: int = 1, within_s: float = 10.0) -> str:
        """The contact of the last of ``times`` accepted REGISTERs."""
        async with asyncio.timeout(within_s):
            while len(self.contacts) < times:
                self._news.clear()
                await self._news.wait()
        return self.contacts[times - 1]

    # ---- media -------------------------------------------------------------------------------

    def sdp(self) -> str:
        """PCMU alone."""
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
            f"m=audio {self.line.port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
        )

"""One caller who keeps exact time: packets are stamped by the kernel, not by a busy Python.

It knows just enough SIP for one call over UDP on loopback: INVITE, ACK, BYE.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from media.frame import Pcm, silence
from media.g711 import ulaw_decode, ulaw_encode

PACKET, PACKET_S = 160, 0.02  # of 8 kHz PCMU
PATIENCE_S = 10.0
SO_TIMESTAMPNS = 35  # of Linux; the module socket does not name it
QUIET = 200  # of int16: below, a packet is silent whatever a codec makes of zero


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet: when the kernel took it in (Unix time, s), and whether it has sound."""

    at_s: float
    loud: bool


class Caller:
    """Calls ``port`` on loopback when entered, and hangs up when left.

    A thread sends a packet every 20 ms, silence but for what ``say`` queues; another receives.
    ``phase_s`` delays the first packet, so that callers do not send in step.
    """

    def __init__(self, port: int, *, phase_s: float = 0.0) -> None:
        self._server, self._phase_s = ("127.0.0.1", port), phase_s
        self._sip = _socket()
        self._rtp = _socket()
        self._rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._far: tuple[str, int] = self._server
        self._to = f"<sip:bench@127.0.0.1:{port}>"
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._to_say = silence(0)
        self.arrivals: list[Arrival] = []
        self.sent_loud_s: list[float] = []  # Unix time of each packet with sound that we sent

    def __enter__(self) -> Self:
        self._send("INVITE", number=1, body=self._sdp())
        answer = self._until_ok()
        found = re.search(r"^m=audio (\d+)", answer, re.M)
        to = re.search(r"^To:\s*(.*?)\r$", answer, re.M | re.I)
        if found is None or to is None:
            raise SystemExit(f"no call: {answer.splitlines()[0]}")
        self._far, self._to = ("127.0.0.1", int(found[1])), to[1]
        self._send("ACK", number=1)
        self._threads = [threading.Thread(target=f) for f in (self._talk, self._listen)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._send("BYE", number=2)
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._until_ok()
        self._sip.close()
        self._rtp.close()

    def say(self, pcm: Pcm) -> None:
        """Queue int16 at 8 kHz."""
        with self._lock:
            self._to_say = np.concatenate([self._to_say, pcm])

    def loud_since(self, at_s: float) -> bool:
        """Whether a packet with sound came after ``at_s`` (Unix time)."""
        return any(a.loud and a.at_s > at_s for a in self.arrivals[-10:])

    def _talk(self) -> None:
        began = time.monotonic() + self._phase_s
        number = 0
        while not self._over.wait(max(0.0, began + number * PACKET_S - time.monotonic())):
            with self._lock:
                said, self._to_say = self._to_say[:PACKET], self._to_say[PACKET:]
            pcm = np.concatenate([said, silence(PACKET - len(said))])
            head = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * PACKET, 0x5EED)
            if len(said):
                self.sent_loud_s.append(time.time())
            self._rtp.sendto(head + ulaw_encode(pcm), self._far)
            number += 1

    def _listen(self) -> None:
        self._rtp.settimeout(0.1)
        while not self._over.is_set():
            try:
                data, notes, _, _ = self._rtp.recvmsg(2_048, 64)
            except TimeoutError:
                continue
            seconds, ns = struct.unpack("qq", notes[0][2])
            pcm = ulaw_decode(data[12:])
            self.arrivals.append(Arrival(seconds + ns / 1e9, bool(np.abs(pcm).max() > QUIET)))

    def _until_ok(self) -> str:
        self._sip.settimeout(PATIENCE_S)
        while True:
            try:
                reply = self._sip.recv(8_192).decode(errors="replace")
            except TimeoutError:
                raise SystemExit("the gateway does not answer") from None
            if reply.startswith("SIP/2.0 200"):
                return reply
            if re.match(r"SIP/2.0 [3-6]", reply):
                raise SystemExit(f"the gateway refuses: {reply.splitlines()[0]}")

    def _sdp(self) -> str:
        lines = ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0")
        media = (f"m=audio {self._rtp.getsockname()[1]} RTP/AVP 0", "a=rtpmap:0 PCMU/8000")
        return "\r\n".join((*lines, *media, ""))

    def _send(self, method: str, *, number: int, body: str = "") -> None:
        port = self._sip.getsockname()[1]
        here = f"127.0.0.1:{port}"
        lines = [
            f"{method} sip:bench@127.0.0.1:{self._server[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{method}{port}",
            f"From: <sip:caller@{here}>;tag=c{port}",
            f"To: {self._to}",
            f"Call-ID: {port}@bench",
            f"CSeq: {number} {method}",
            f"Contact: <sip:caller@{here}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._sip.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self._server)


def _socket() -> socket.socket:
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("127.0.0.1", 0))
    return here

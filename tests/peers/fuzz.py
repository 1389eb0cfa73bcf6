"""Sound SIP messages made unsound: by their structure and by their bytes. Seeded, without end."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from tests.peers.message import Field, Message, request, sdp
from tests.peers.stranger import call_id_of

METHODS = (
    *("INVITE",) * 6, "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "REGISTER", "SUBSCRIBE",
    "REFER", "MESSAGE", "PRACK", "NOTIFY", "PUBLISH",
)  # fmt: skip
STATUSES = ("100 Trying", "180 Ringing", "200 OK", "302 Moved", "401 No", "487 Gone", "699 -")
LARGEST = 60_000  # bytes: a datagram
KEPT = 32  # calls of ours that may be up, to be spoilt from within
NASTY = (
    b"\x00", b"\r\n", b"\r\n\r\n", b"\n", b"\t", b";", b",", b'"', b"\\", b"<", b">", b"@", b":",
    b"=", b"?", b"%", b"%00", b"%s%n", b"[::1", b"\xff" * 9, b"9" * 30, b"-1", b"=?utf-8?", b"//",
)  # fmt: skip
VALUES = (
    "", " ", ";", "<", '"', "<>", "*", "-1", "0", "9" * 40, "x" * 300, "y" * 9_000, "%00", "\x00",
    "<sip:>", "<sip:@>", "<sip:a@[::1>;tag=", "sip:127.0.0.1:0", "SIP/2.0/UDP", "1 2 3", "\udcff",
    '"\\', "a=b;c=d,e=f", "INVITE", "<sip:127.0.0.1:9;lr>,<sip:127.0.0.1:9;lr>",
)  # fmt: skip
NAMES = (
    "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Type", "Route",
    "Record-Route", "Require", "Supported", "Allow", "Accept", "Authorization", "Session-Expires",
    "Min-SE", "Replaces", "Refer-To", "Event", "Subscription-State", "RAck", "RSeq", "Retry-After",
    "Expires", "Date", "Diversion", "P-Asserted-Identity", "X-Unknown", "Content-Length",
)  # fmt: skip
LINES = (
    "m=audio 0 RTP/AVP 0", "m=audio 99999999 RTP/AVP 0", "m=audio 4 UDP/TLS/RTP/SAVPF 0 8",
    "m=audio 4 RTP/SAVP 0", "m=audio 4 RTP/AVP", "m=video 4 RTP/AVP 99", "m=image 4 udptl t38",
    "m=", "c=IN IP6 ::1", "c=IN IP4 0.0.0.0", "c=IN IP4 999.9.9.9", "c=", "v=9", "o=- x", "t=",
    "a=rtpmap:0", "a=rtpmap:0 " + "A" * 400 + "/8000", "a=rtpmap:999 x/99999999999/255", "a=",
    "a=fmtp:101 " + ";" * 300, "a=ptime:0", "a=sendonly", "a=inactive", "a=setup:actpass",
    "a=fingerprint:sha-256 00:11", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40,
    "a=crypto:x", "a=candidate:" + "1 " * 40, "a=ice-ufrag:x", "a=rtcp-mux", "a=group:BUNDLE 0",
)  # fmt: skip


T = TypeVar("T")


class Fuzzer:
    """The same messages for the same seed, as far as the server answers alike."""

    def __init__(self, seed: int, *, transport: str = "UDP") -> None:
        self._dice = np.random.default_rng(seed)
        self._transport = transport
        self._seed, self._number = seed, 0
        self._dialogs: deque[Message] = deque(maxlen=KEPT)
        self._sent: deque[Message] = deque(maxlen=KEPT)

    def message(self, here: tuple[str, int]) -> bytes:
        """The next one, sent from ``here``: in one case of five a sound one."""
        message = self._sound(here)
        if message.start.startswith("INVITE"):
            self._sent.append(message)
        if self._chance(0.2):
            return message.wire()
        for _ in range(self._below(4)):
            message = self._pick(self._spoilers())(message)
        wire = message.wire()
        if self._chance(0.5):
            for _ in range(1 + self._below(8)):
                wire = self._gnaw(wire)
        return wire[:LARGEST]

    def learn(self, reply: bytes) -> None:
        """A reply: what it makes of our INVITEs can be spoilt later."""
        text = reply.decode("latin-1")
        tag = re.search(r"(?im)^To:.*;tag=([^\s;]+)", text)
        if tag is None or not re.search(r"(?im)^CSeq:\s*\d+\s+INVITE", text):
            return
        for sent in self._sent:
            if sent.get("Call-ID") == call_id_of(reply):
                self._dialogs.append(sent.put("To", f"{sent.get('To')};tag={tag[1]}"))
                return

    def pieces(self, *messages: bytes) -> list[bytes]:
        """Messages for a stream: glued together, then cut where they should not be."""
        stream = b"".join(messages)
        cuts = sorted(self._below(len(stream) + 1) for _ in range(self._below(4)))
        return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    # ---- sound ones ----------------------------------------------------------------------------

    def _sound(self, here: tuple[str, int]) -> Message:
        self._number += 1
        method = self._pick(METHODS)
        body = b""
        if method in ("INVITE", "UPDATE") or self._chance(0.1):
            body = sdp() if self._chance(0.9) else b""
        if method == "CANCEL" and self._sent:
            return self._like(self._pick(self._sent), method, b"", same=True)
        if self._dialogs and self._chance(0.4):
            return self._like(self._pick(self._dialogs), method, body, same=False)
        message = request(
            method,
            here=here,
            call_id=f"fuzz{self._seed}.{self._number}@{here[1]}",
            number=self._number,
            transport=self._transport,
            body=body,
            fields=self._extras(method),
        )
        if self._chance(0.08):
            message = replace(message, start=f"SIP/2.0 {self._pick(STATUSES)}")
        return message

    def _like(self, other: Message, method: str, body: bytes, *, same: bool) -> Message:
        """``method`` in the dialog, or with ``same`` for the transaction, of ``other``."""
        number = other.get("CSeq").split()[0] if same or method == "ACK" else str(self._number)
        message = replace(other, start=re.sub(r"^\S+", method, other.start), body=body)
        if not same:
            via = re.sub(r"branch=[^;]*", f"branch=z9hG4bKd{self._number}", other.get("Via"))
            message = message.put("Via", via)
        for name, value in self._extras(method):
            message = message.put(name, value)
        return message.put("CSeq", f"{number} {method}")

    def _extras(self, method: str) -> Sequence[Field]:
        match method:
            case "SUBSCRIBE":
                return (("Event", self._pick(("presence", "refer", "message-summary"))),)
            case "NOTIFY":
                return (("Event", "refer"), ("Subscription-State", "active;expires=60"))
            case "REFER":
                return (("Refer-To", "<sip:nobody@127.0.0.1:9?Replaces=a%3Bto-tag%3Db>"),)
            case "PRACK":
                return (("RAck", "1 1 INVITE"),)
            case "INVITE" if self._chance(0.3):
                timer = (("Supported", "timer,100rel"), ("Session-Expires", "90"))
                return timer if self._chance(0.5) else (("Require", "100rel"),)
        return ()

    # ---- spoilt by structure -------------------------------------------------------------------

    def _spoilers(self) -> tuple[Callable[[Message], Message], ...]:
        return (
            self._drop, self._double, self._fold, self._fill, self._fill, self._mislead,
            self._restart, self._shuffle, self._crowd, self._spoil_offer, self._spoil_offer,
            self._spoil_offer,
        )  # fmt: skip

    def _drop(self, message: Message) -> Message:
        name, _ = self._pick(message.fields)
        return message.put(name)

    def _double(self, message: Message) -> Message:
        name, value = self._pick(message.fields)
        return message.put(name, value, value)

    def _fold(self, message: Message) -> Message:
        name, value = self._pick(message.fields)
        at = self._below(len(value) + 1)
        return message.put(name, value[:at] + "\r\n \t" + value[at:])

    def _fill(self, message: Message) -> Message:
        return message.put(self._pick(NAMES), self._pick(VALUES))

    def _mislead(self, message: Message) -> Message:
        wrong = self._pick((-1, 0, 1, len(message.body) - 1, len(message.body) + 1, 9_999, 10**20))
        return message.put("Content-Length", str(wrong))

    def _restart(self, message: Message) -> Message:
        words = message.start.split(" ")
        words[self._below(len(words))] = self._pick(VALUES)
        return replace(message, start=" ".join(words))

    def _shuffle(self, message: Message) -> Message:
        order = self._dice.permutation(len(message.fields))
        return replace(message, fields=tuple(message.fields[at] for at in order))

    def _crowd(self, message: Message) -> Message:
        name, value = self._pick(message.fields)
        return message.put(name, *(value,) * (2 + self._below(60)))

    def _spoil_offer(self, message: Message) -> Message:
        lines = message.body.decode("latin-1").split("\r\n")
        at = self._below(len(lines))
        match self._below(4):
            case 0:
                del lines[at]
            case 1:
                lines[at] = self._pick(LINES)
            case 2:
                lines.insert(at, self._pick(LINES))
            case _:
                lines[at:at] = lines[at : at + 1] * (2 + self._below(70))
        return replace(message, body="\r\n".join(lines).encode("latin-1"))

    # ---- spoilt by bytes -----------------------------------------------------------------------

    def _gnaw(self, wire: bytes) -> bytes:
        at = self._below(len(wire) + 1)
        some = 1 + self._below(30)
        match self._below(6):
            case 0:
                return wire[:at] + bytes([self._below(256)]) + wire[at + 1 :]
            case 1:
                return wire[:at] + wire[at + some :]
            case 2:
                return wire[:at] + self._pick(NASTY) + wire[at:]
            case 3:
                return wire[:at] + wire[at : at + some] * 3 + wire[at:]
            case 4:
                return wire[:at] + self._dice.bytes(some) + wire[at:]
            case _:
                return wire[:at] if self._chance(0.2) else wire

    # ---- dice ----------------------------------------------------------------------------------

    def _below(self, bound: int) -> int:
        return int(self._dice.integers(bound))

    def _chance(self, share: float) -> bool:
        return bool(self._dice.random() < share)

    def _pick(self, things: Sequence[T]) -> T:
        return things[self._below(len(things))]

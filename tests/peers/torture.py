"""Requests that are legal and strange, or illegal, after the ideas of RFC 4475; words our own.

Each says what a sane server may answer; ``None`` is no answer at all. RFC 3261 leaves a server
much choice how early it refuses, so most cases do as well. What none leaves is its death.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from tests.peers.message import Field, Message, request, sdp
from tests.peers.stranger import call_id_of

Answers = tuple[int | None, ...]
Case = tuple[str, Message | bytes, Answers]

TAKEN: Answers = (200, 486)  # read, and handed on to the gateway, which does as it likes
NOBODY: Answers = (None,)
BAD: Answers = (400, None)
EITHER: Answers = (*TAKEN, *BAD)  # illegal, but a lenient reader knows what is meant
IGNORED: Answers = (405, 501, None)  # of no call and no use; the library keeps silent
LONG = "x" * 1_200


@dataclass(frozen=True, slots=True)
class Torture:
    """``wire`` is sent; final ``answers`` bear ``call_id``, which is empty where none can come."""

    name: str
    call_id: str
    wire: bytes
    answers: Answers


def torture(here: tuple[str, int], *, transport: str = "UDP") -> list[Torture]:
    """All of them, as if sent from ``here``."""
    make = _Maker(here, transport)
    cases = [*_strange(make), *_syntax(make), *_values(make), *_doubled(make)]
    cases += [*_meaning(make), *_offers(make), *_no_sip(make)]
    racked = []
    for name, sent, answers in cases:
        wire = sent.wire() if isinstance(sent, Message) else sent
        racked.append(Torture(name, call_id_of(wire), wire, answers))
    return racked


class _Maker:
    """Sound requests, each with a Call-ID and a branch of its own."""

    def __init__(self, here: tuple[str, int], transport: str) -> None:
        self._here, self._transport = here, transport
        self._numbers = count(1)

    def __call__(
        self,
        method: str = "INVITE",
        *,
        uri: str = "sip:4711@127.0.0.1",
        body: bytes | None = None,
        more: tuple[Field, ...] = (),
    ) -> Message:
        number = next(self._numbers)
        return request(
            method,
            here=self._here,
            call_id=f"torture{number}@{self._here[1]}",
            number=number,
            uri=uri,
            transport=self._transport,
            body=(sdp() if method == "INVITE" else b"") if body is None else body,
            fields=more,
        )


def _strange(make: _Maker) -> Iterator[Case]:
    """Legal."""
    plain = make()
    folded = plain.put("From", plain.get("From").replace(";", "\r\n ;\r\n\t")).put("Subject", "")
    short = folded.put("X-New", "one\r\n  two\r\n\tthree").put("X-Odd", ";;,,;;,;")
    names = {"From": "f", "Call-ID": "i", "Contact": "m", "Content-Type": "c", "To": "TO "}
    fields = tuple((names.get(name, name), value) for name, value in short.fields)
    yield "folded, compact, mixed case", Message(short.start, fields, short.body), TAKEN
    yield "every character a method may have", make("!-Odd_.`'+*%~9"), IGNORED
    yield "every character a user may have", make(uri="sip:1_u.R~(a)&b=c+$,;?/'*!@127.0.0.1"), TAKEN
    yield "escapes in a user", make(uri="sip:%34%37%31%31%20x@127.0.0.1"), TAKEN
    yield "an escaped null", make("OPTIONS", uri="sip:a%00b@127.0.0.1"), (200, 400, 404)
    yield "an escape in a method is none", make("OPT%49ONS"), IGNORED
    yield "a name against its bracket", make().put("To", "somebody<sip:4711@127.0.0.1>"), TAKEN
    quoted = '"\\"Quotes\\", \\\\ and \u00fcml\u00e4uts" <sip:4711@127.0.0.1>'
    yield "escapes in a quoted name", make().put("To", quoted), TAKEN
    long = make(more=(("X-Long", LONG), ("Subject", LONG), ("User-Agent", LONG)))
    yield "long values", long.put("To", f'"{LONG}" <sip:4711@127.0.0.1>'), TAKEN
    yield "parameters in a user", make(uri="sip:4711;p=u%40x.invalid@127.0.0.1"), TAKEN
    yield (
        "parameters nobody knows",
        make(uri="sip:4711@127.0.0.1;a;b=c;transport=carrier-pigeon"),
        TAKEN,
    )
    yield "an empty reason", b"SIP/2.0 200 \r\n" + _tail(make("OPTIONS")), NOBODY
    yield "a reason in Cyrillic", "SIP/2.0 200 хорошо\r\n".encode() + _tail(make("OPTIONS")), NOBODY
    yield "octets behind the end", make("OPTIONS").wire() + b"BYE sip:x SIP/2.0\r\n\r\n", (200, 400)
    yield "no hops left for us, the last", make().put("Max-Forwards", "0"), (*TAKEN, 483)
    yield "an unknown scheme of credentials", make(more=(("Authorization", "Odd a=b"),)), EITHER


def _syntax(make: _Maker) -> Iterator[Case]:
    """Illegal to read."""
    plain = make()
    via = plain.get("Via")
    yield "separators too many", plain.put("Via", via + ";;,;,,"), EITHER
    yield "an open quote", make().put("To", '"Nobody <sip:4711@127.0.0.1>'), EITHER
    yield "a comma in a bare name", make().put("To", "Bell, A <sip:4711@127.0.0.1>"), EITHER
    yield "blanks in brackets", make().put("To", "< sip:4711@127.0.0.1 >"), EITHER
    yield (
        "brackets around the URI",
        _first_line(make(), "INVITE <sip:4711@127.0.0.1> SIP/2.0"),
        EITHER,
    )
    yield "blanks in the URI", _first_line(make(), "INVITE sip:4711@127.0.0.1; lr SIP/2.0"), EITHER
    yield (
        "blanks in the first line",
        _first_line(make(), "INVITE  sip:4711@127.0.0.1  SIP/2.0"),
        EITHER,
    )
    yield "blanks behind it", _first_line(make(), "INVITE sip:4711@127.0.0.1 SIP/2.0  "), EITHER
    yield "no version", _first_line(make(), "INVITE sip:4711@127.0.0.1"), EITHER
    version = _first_line(make(), "INVITE sip:4711@127.0.0.1 SIP/7.0")
    yield "a version to come", version, (505, *EITHER)
    yield "a field without a colon", _line(make(), "This is no field"), EITHER
    yield "a field without a name", _line(make(), ": value"), EITHER
    yield "a null in a value", make(more=(("X-Null", "a\x00b"),)), EITHER
    yield "line feeds alone", make().wire().replace(b"\r\n", b"\n"), EITHER
    yield "no end of the head", make().wire().partition(b"\r\n\r\n")[0], EITHER
    yield "an impossible date", make(more=(("Date", "Sun, 99 Foo 0000 77:77 EST"),)), EITHER
    yield "a broken Contact", make().put("Contact", '"" <<>;;'), EITHER
    yield "octets that are not UTF-8", make(more=(("Subject", "\udcff\udcfe\udc80"),)), EITHER
    hidden = make(uri="sip:4711@127.0.0.1?Route=%3Csip:127.0.0.1:9%3E")
    yield "a field hidden in the URI", hidden, EITHER
    yield "an address literal left open", make(uri="sip:4711@[::1"), EITHER


def _values(make: _Maker) -> Iterator[Case]:
    """Numbers beyond their ranges, or none at all."""
    for length in ("99999", "-1", "99999999999999999999", "abc", ""):
        yield f"Content-Length: {length}", make().put("Content-Length", length), EITHER
    for number in ("36893488147419103232 INVITE", "-1 INVITE", "INVITE", "1", ""):
        yield f"CSeq: {number}", make().put("CSeq", number), EITHER
    yield "CSeq of another method", make().put("CSeq", "1 OPTIONS"), (*EITHER, 500)
    huge: tuple[Field, ...] = (("Expires", "9" * 40), ("Retry-After", "-5"), ("Min-SE", "x"))
    yield "huge and negative numbers", make(more=huge).put("Max-Forwards", "300"), (*EITHER, 422)
    timer = make(more=(("Supported", "timer"), ("Session-Expires", "1")))
    yield "a session timer too short", timer, (*TAKEN, 422)
    yield "a port beyond all ports", make(uri="sip:4711@127.0.0.1:99999"), EITHER
    yield "a Via to nowhere", _via(make(), "SIP/2.0/UDP [::1:99999;maddr=;branch=z9hG4bKa"), EITHER
    yield "an empty branch", _via(make(), "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK;rport"), EITHER
    yield (
        "an unheard-of transport",
        _via(make(), "SIP/2.0/PIGEON 127.0.0.1;branch=z9hG4bKb"),
        EITHER,
    )
    response = make("OPTIONS").put("CSeq", "36893488147419103232 OPTIONS")
    yield "a response with a huge CSeq", b"SIP/2.0 200 OK\r\n" + _tail(response), NOBODY
    yield "a response of no class", b"SIP/2.0 4294967301 OK\r\n" + _tail(make("OPTIONS")), NOBODY


def _doubled(make: _Maker) -> Iterator[Case]:
    """What must be there once, and is there twice or not at all; and too much of the rest."""
    for name in ("Call-ID", "CSeq", "From", "To", "Max-Forwards"):
        value = make().get(name)
        yield f"{name} twice", make().put(name, value, value), EITHER
    yield "two lengths", make().put("Content-Length", "0", "9999"), EITHER
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        yield f"no {name}", make().put(name), BAD
    yield "no Contact", make().put("Contact"), EITHER
    yield "no Max-Forwards", make().put("Max-Forwards"), TAKEN
    many = tuple((f"X-Field{number}", "v") for number in range(300))
    yield "300 fields", make(more=many), EITHER
    vias = [make().get("Via").replace("z9hG4bK", f"z9hG4bK{number}x") for number in range(60)]
    yield "60 hops", make().put("Via", *vias), (*EITHER, 483)
    route = tuple(("Record-Route", f"<sip:127.0.0.1:{9_000 + n};lr>") for n in range(60))
    yield "60 proxies on the way", make(more=route), EITHER
    yield "a field of 60 kB", make(more=(("X-Huge", "y" * 60_000),)), (*EITHER, 413, 513)


def _meaning(make: _Maker) -> Iterator[Case]:
    """Read with ease, and not to be done."""
    yield "Require of the unknown", make(more=(("Require", "nothing-supports-this"),)), (420,)
    yield "a scheme nobody knows", make(uri="nobody-knows:this"), (416, *EITHER)
    yield "a scheme for other uses", make(uri="soap.beep://127.0.0.1:9"), (416, *EITHER)
    yield "a book called", make().put("To", "<isbn:2983792873>"), (416, *EITHER)
    yield "a body of a strange kind", make().put("Content-Type", "application/x"), (415, 400)
    yield "no kind of body", make().put("Content-Type"), (*EITHER, 415)
    yield "an answer in no language of ours", make(more=(("Accept", "text/x"),)), (*TAKEN, 406)
    parts = (
        b"--b\r\nContent-Type: application/sdp\r\n\r\n" + sdp() + b"\r\n--b\r\n\r\nz\r\n--b--\r\n"
    )
    mixed = 'multipart/mixed;boundary="b"'
    both = make(body=parts).put("Content-Type", mixed)
    yield "an offer among other parts", both, (*EITHER, 415, 488)
    nothing = make(body=b"--\r\n\r\n----").put("Content-Type", 'multipart/mixed;boundary=""')
    yield "parts without a boundary", nothing, (*EITHER, 415, 488)
    gone = "<sip:4711@127.0.0.1>;tag=gone"
    for method in ("INVITE", "BYE", "PRACK", "UPDATE", "INFO", "NOTIFY", "REFER"):
        yield f"{method} of a call that is none", make(method).put("To", gone), (481,)
    for method in ("BYE", "PRACK", "UPDATE", "INFO", "NOTIFY"):
        yield f"{method} of no call", make(method), (481, *IGNORED)
    yield "CANCEL of no call", make("CANCEL"), (481,)
    yield "ACK of no call", make("ACK"), NOBODY
    for method in ("REGISTER", "PUBLISH"):
        yield f"{method}, which we do not take", make(method), (403, 404, 489, *IGNORED)
    yield "MESSAGE, which nobody will read", make("MESSAGE"), (200, 202, 403, 405, 415, 501)
    watch = make("SUBSCRIBE", more=(("Event", "presence"), ("Expires", "99999999999")))
    yield "SUBSCRIBE, which we do not take", watch, (400, 403, 405, 489, 501)
    refer = make("REFER", more=(("Refer-To", "<sip:x@127.0.0.1:9?Replaces=%00%ff>"),))
    yield "REFER of no call", refer, (400, 403, 481, 603, *IGNORED)
    replaces = make(more=(("Require", "replaces"), ("Replaces", "gone;to-tag=a;from-tag=b")))
    yield "Replaces of no call", replaces, (*EITHER, 420, 481)


def _offers(make: _Maker) -> Iterator[Case]:
    """Session descriptions."""
    sound, crypto = sdp(), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
    spoilt = {
        "no address": sound.replace(b"c=IN IP4 127.0.0.1\r\n", b""),
        "an address of no kind": sound.replace(b"IP4 127.0.0.1", b"IP9 999.1.1.1"),
        "port 0": sdp(0),
        "port 99999999": sdp(99_999_999),
        "no payload": sdp(payloads=""),
        "a payload of letters": sdp(payloads="PCMU"),
        "200 payloads": sdp(payloads=" ".join(map(str, range(200)))),
        "nothing but a version": b"v=0\r\n",
        "twenty of them": 20 * sound,
        "nulls": bytes(300),
        "a name of 500 letters": sdp(more=("a=rtpmap:0 " + "A" * 500 + "/8000",)),
        "a rate beyond all rates": sdp(more=("a=rtpmap:96 x/99999999999/255", "a=fmtp:96 ;;")),
        "a packet of no length": sdp(more=("a=ptime:0", "a=maxptime:-1")),
        "SDES, keys of no length": sdp(more=(crypto,)).replace(b"RTP/AVP", b"RTP/SAVP"),
        "SDES, 80 keys": sdp(more=80 * (crypto + "A" * 40,)).replace(b"RTP/AVP", b"RTP/SAVP"),
        "video alone": sound.replace(b"m=audio", b"m=video"),
        "a hundred media": sound + 100 * b"m=audio 9 RTP/AVP 0\r\n",
        "broken candidates": sdp(more=("a=ice-ufrag:x", "a=candidate:" + "1 " * 50)),
    }
    for name, body in spoilt.items():
        yield f"an offer with {name}", make(body=body), (*EITHER, 415, 480, 488, 606)


def _no_sip(make: _Maker) -> Iterator[Case]:
    """Other protocols, and none."""
    yield "keep-alive", b"\r\n\r\n", NOBODY
    yield "one null", b"\x00", NOBODY
    yield "STUN", bytes.fromhex("000100002112a442") + bytes(12), NOBODY
    yield "HTTP", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", NOBODY
    yield "a greeting of TLS", bytes.fromhex("16030100050100000100"), NOBODY
    yield "a first line alone", b"INVITE sip:4711@127.0.0.1 SIP/2.0\r\n\r\n", NOBODY
    yield "a lone status", b"SIP/2.0 200 OK\r\n\r\n", NOBODY
    yield "60 kB of one letter", b"A" * 60_000, NOBODY


def _tail(message: Message) -> bytes:
    return message.wire().partition(b"\r\n")[2]


def _first_line(message: Message, line: str) -> Message:
    return Message(line, message.fields, message.body)


def _line(message: Message, line: str) -> bytes:
    head, _, rest = message.wire().partition(b"\r\n")
    return head + b"\r\n" + line.encode() + b"\r\n" + rest


def _via(message: Message, value: str) -> Message:
    return message.put("Via", value)

"""A SIP message in its parts, so that each of them can be spoilt (RFC 3261 §7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

Field = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """First line, header fields, body."""

    start: str
    fields: tuple[Field, ...]
    body: bytes = b""

    def wire(self) -> bytes:
        """As it is sent; its true length is added unless it has a field about that."""
        fields = list(self.fields)
        if not any(name.lower() in ("content-length", "l") for name, _ in fields):
            fields.append(("Content-Length", str(len(self.body))))
        lines = [self.start, *(f"{name}: {value}" for name, value in fields), "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body

    def put(self, name: str, *values: str) -> Message:
        """With these values of a field in place of what it had; without values, without it."""
        at = next((n for n, (key, _) in enumerate(self.fields) if key == name), len(self.fields))
        kept = [field for field in self.fields if field[0] != name]
        return replace(self, fields=(*kept[:at], *((name, v) for v in values), *kept[at:]))

    def get(self, name: str) -> str:
        """The first value; empty without one."""
        return next((value for key, value in self.fields if key == name), "")


def request(
    method: str,
    *,
    here: tuple[str, int],
    call_id: str,
    number: int = 1,
    uri: str = "sip:4711@127.0.0.1",
    transport: str = "UDP",
    body: bytes = b"",
    fields: Sequence[Field] = (),
) -> Message:
    """A sound one. ``number`` tells transactions of ``here`` apart."""
    address = f"{here[0]}:{here[1]}"
    kind = (("Content-Type", "application/sdp"),) if body else ()
    basis: tuple[Field, ...] = (
        ("Via", f"SIP/2.0/{transport} {address};branch=z9hG4bK{here[1]}.{number};rport"),
        ("From", f"<sip:stranger@{address}>;tag=f{here[1]}{number}"),
        ("To", f"<{uri}>"),
        ("Call-ID", call_id),
        ("CSeq", f"{number} {method}"),
        ("Contact", f"<sip:stranger@{address};transport={transport.lower()}>"),
        ("Max-Forwards", "70"),
    )
    return Message(f"{method} {uri} SIP/2.0", (*basis, *kind, *fields), body)


def sdp(port: int = 40_000, *, payloads: str = "0 101", more: Sequence[str] = ()) -> bytes:
    """An offer of PCMU and telephone events (RFC 4566)."""
    lines = [
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
        f"m=audio {port} RTP/AVP {payloads}", "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000", *more,
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n").encode()

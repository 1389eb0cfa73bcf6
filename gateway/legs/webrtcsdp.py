"""A browser's offer (SDP), checked and cleaned. Pure text.

What reaches the WebRTC library is not the offer but what was understood of it: one audio section
with one codec, and one data section. So no line of a stranger meets a parser that is not ours, and
sections that are not taken are refused in the answer with port 0 (RFC 8829 §5.3.1).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.errors import GatewayError

LARGEST = 1 << 16  # bytes of an offer; browsers send 2 to 8 kB
MOST_SECTIONS = 32
MOST_CANDIDATES = 32  # each is an address that a stranger has us send packets to
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
CODECS = {"OPUS/48000/2": "opus/48000", "PCMU/8000": "PCMU/8000", "PCMA/8000": "PCMA/8000"}
_STATIC = {"0": "PCMU/8000", "8": "PCMA/8000"}  # RFC 3551, table 4
_RTP = {"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"}
_SHARED = {"ice-ufrag", "ice-pwd", "fingerprint", "setup", "candidate", "rtcp-mux"}
_SCTP = {"UDP/DTLS/SCTP", "DTLS/SCTP"}
_MEDIA = re.compile(r"m=([a-z]+) (\d{1,5})(?:/\d+)? ([A-Z/]+) ([!-~]+(?: [!-~]+)*)")
_TOKEN = re.compile(r"[!#-'*+.0-9A-Z^-~-]{1,64}")  # RFC 8866 §9; mids are chosen by the far end
_UFRAG, _PASSWORD = re.compile(r"[\w+/=-]{4,256}"), re.compile(r"[\w+/=-]{22,256}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}")
_FINGERPRINT = re.compile(r"sha-(?:256|384|512) [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+")
_CANDIDATE = re.compile(
    r"([\w+/]{1,32} 1 udp (\d{1,10}) ([0-9A-F.:]+) (\d{1,5}) typ (?:host|srflx|relay))(?: .*)?",
    re.IGNORECASE,
)


class BadOffer(GatewayError):
    """An offer that cannot be answered. ``status`` is HTTP's: 400 not SDP, 422 impossible."""

    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(f"offer: {why}")


@dataclass(frozen=True, slots=True)
class Section:
    """One m-line and its attributes, those of the session where it has none of its own."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """The values of an attribute."""
        return [value for key, value in self.attributes if key == name]

    def one(self, name: str) -> str:
        """The last value of an attribute, empty if there is none."""
        return next(reversed(self.all(name)), "")

    @property
    def mid(self) -> str:
        return self.one("mid")

    @property
    def direction(self) -> str:
        """``sendrecv`` unless it says otherwise (RFC 8866 §6.7)."""
        keys = [key for key, _ in self.attributes if key in DIRECTIONS]
        return keys[-1] if keys else "sendrecv"


@dataclass(frozen=True, slots=True)
class Checked:
    """An offer that can be answered.

    ``sdp`` is for the library, ``payload`` the codec's RTP payload type, ``digits`` that of
    telephone-event (RFC 4733) if it was offered. ``speaks``: whether the far end takes sound.
    """

    sdp: str
    codec: str
    payload: int
    digits: int | None
    speaks: bool
    data: bool
    sections: tuple[Section, ...] = field(repr=False)
    taken: frozenset[int] = field(repr=False)


def check(offer: str) -> Checked:
    """Read an offer. Raises ``BadOffer``."""
    session, sections = _parse(offer)
    bundle = _bundle(session)
    sections = _joined(sections, bundle)
    audio = next((place for place, one in enumerate(sections) if _usable(one, "audio")), None)
    if audio is None:
        raise BadOffer(422, "no audio; offer one m=audio section over DTLS-SRTP")
    section = sections[audio]
    if section.direction in ("recvonly", "inactive"):
        raise BadOffer(422, f"the audio is {section.direction}: the bot would hear nothing")
    if "rtcp-mux" not in dict(section.attributes):
        raise BadOffer(422, "the audio has no a=rtcp-mux: RTCP has no port of its own here")
    payload, codec = _codec(section)
    digits = _digits(section, rate=codec.partition("/")[2])
    data = next(
        (
            place
            for place, one in enumerate(sections)
            if {one.mid, section.mid} <= set(bundle) and _usable(one, "application")
        ),
        None,
    )
    taken = {audio} if data is None else {audio, data}
    kept = [section] if data is None else [section, sections[data]]
    mids = [one.mid for one in kept if one.mid in bundle]
    group = [f"a=group:BUNDLE {' '.join(mids)}"] if mids else []
    lite = ["a=ice-lite"] if ("ice-lite", "") in session else []
    head = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", *group, *lite]
    # Audio first: where data leads the group, the library closes the very way it is to use.
    lines = [*head, *_audio(section, payload=payload)]
    if data is not None:
        lines += _data(sections[data])
    return Checked(
        sdp="\r\n".join(lines) + "\r\n",
        codec=codec,
        payload=payload,
        digits=digits,
        speaks=section.direction == "sendrecv",
        data=data is not None,
        sections=tuple(sections),
        taken=frozenset(taken),
    )


def _parse(offer: str) -> tuple[tuple[tuple[str, str], ...], list[Section]]:
    # What is not ASCII can only be in texts for people, of which none is kept.
    plain = offer.encode("ascii", "replace").decode()
    lines = [line for line in plain.replace("\r\n", "\n").split("\n") if line]
    if not lines or lines[0] != "v=0":
        raise BadOffer(400, "not SDP: it does not begin with v=0")
    for line in lines:
        if len(line) < 3 or line[1] != "=" or not line[0].isalpha():
            raise BadOffer(400, f"not SDP: {line[:40]!r}")
    starts = [place for place, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) > MOST_SECTIONS:
        raise BadOffer(400, f"{len(starts)} media sections; {MOST_SECTIONS} at most")
    ends = [*starts, len(lines)][1:]
    common = _attributes(lines[: starts[0]] if starts else lines)
    sections = [_section(lines[start:end], common) for start, end in zip(starts, ends, strict=True)]
    mids = [section.mid for section in sections]
    if any(not _TOKEN.fullmatch(mid) for mid in mids) or len(set(mids)) < len(mids):
        raise BadOffer(422, "each media section needs an a=mid of its own")
    return common, sections


def _bundle(session: Sequence[tuple[str, str]]) -> list[str]:
    """The sections that go one way (RFC 9143), by mid."""
    groups = (value.split() for name, value in session if name == "group")
    return next((mids for semantics, *mids in filter(None, groups) if semantics == "BUNDLE"), [])


def _joined(sections: Sequence[Section], bundle: Sequence[str]) -> list[Section]:
    """With the keys of their bundle where they leave that to another section (RFC 9143 §7.1.3)."""
    keyed = (one for one in sections if one.mid in bundle and one.one("ice-ufrag"))
    first = next((one.attributes for one in keyed), ())
    shared = tuple(pair for pair in first if pair[0] in _SHARED)
    return [
        replace(one, attributes=(*shared, *one.attributes))
        if one.mid in bundle and not one.one("ice-ufrag")
        else one
        for one in sections
    ]


def _section(lines: Sequence[str], common: Sequence[tuple[str, str]]) -> Section:
    found = _MEDIA.fullmatch(lines[0])
    if found is None or int(found[2]) > 65535:
        raise BadOffer(400, f"not SDP: {lines[0][:40]!r}")
    own = _attributes(lines[1:])
    named = {key for key, _ in own}
    inherited = [
        (key, value)
        for key, value in common
        if key in ("ice-ufrag", "ice-pwd", "fingerprint", "setup") and key not in named
    ]
    return Section(found[1], int(found[2]), found[3], tuple(found[4].split()), (*inherited, *own))


def _attributes(lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    parts = (line[2:].partition(":") for line in lines if line.startswith("a="))
    return tuple((key, value.strip()) for key, _, value in parts)


def _usable(section: Section, kind: str) -> bool:
    """Whether it is one of ours: not refused already, and with keys to speak by."""
    alive = section.port > 0 or bool("bundle-only" in dict(section.attributes))
    if not alive or section.kind != kind:
        return False
    if kind == "application":
        wanted = section.protocol in _SCTP and section.formats == ("webrtc-datachannel",)
        port = section.one("sctp-port")
        if not wanted or not _NUMBER.fullmatch(port) or not 0 < int(port) < 65536:
            return False
    elif section.protocol not in _RTP:
        return False
    if not section.one("ice-ufrag") or not section.one("ice-pwd"):
        raise BadOffer(422, f"the {kind} section has no ICE credentials (a=ice-ufrag, a=ice-pwd)")
    if not any(_FINGERPRINT.fullmatch(text) for text in section.all("fingerprint")):
        raise BadOffer(422, f"the {kind} section has no certificate of SHA-256 (a=fingerprint)")
    return True


def _names(section: Section) -> dict[str, str]:
    """Codec names, in capitals, by payload type as text."""
    pairs = (value.split(maxsplit=1) for value in section.all("rtpmap"))
    return {**_STATIC, **{pair[0]: pair[1].upper() for pair in pairs if len(pair) == 2}}


def _codec(section: Section) -> tuple[int, str]:
    """Opus if it is there, wherever it stands; else the first we know."""
    names = _names(section)
    known = [
        (int(text), CODECS[name])
        for text in section.formats
        if _NUMBER.fullmatch(text) and (name := names.get(text, "").removesuffix("/1")) in CODECS
    ]
    sound = [pair for pair in known if _payload_is_ours(pair[0])]
    if not sound:
        raise BadOffer(422, "no codec in common; offer Opus, PCMU or PCMA")
    return next((pair for pair in sound if pair[1].startswith("opus")), sound[0])


def _payload_is_ours(payload: int) -> bool:
    """RFC 5761 §4: 64 to 95 would be taken for RTCP."""
    return payload < 64 or 96 <= payload < 128


def _digits(section: Section, *, rate: str) -> int | None:
    names = _names(section)
    wanted = f"TELEPHONE-EVENT/{rate}"
    types = (
        int(one) for one in section.formats if _NUMBER.fullmatch(one) and names.get(one) == wanted
    )
    return next((payload for payload in types if _payload_is_ours(payload)), None)


def _audio(section: Section, *, payload: int) -> list[str]:
    name = _names(section)[str(payload)].replace("OPUS", "opus")
    return [
        f"m=audio 9 UDP/TLS/RTP/SAVPF {payload}",
        f"a={section.direction}",
        "a=rtcp-mux",
        f"a=rtpmap:{payload} {name}",
        *_transport(section),
    ]


def _data(section: Section) -> list[str]:
    return [
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        f"a=sctp-port:{section.one('sctp-port')}",
        "a=max-message-size:65536",
        *_transport(section),
    ]


def _transport(section: Section) -> list[str]:
    for name, form in (("ice-ufrag", _UFRAG), ("ice-pwd", _PASSWORD)):
        if not form.fullmatch(section.one(name)):
            raise BadOffer(400, f"not SDP: a={name} {section.one(name)[:40]!r}")
    setup = section.one("setup") or "actpass"
    if setup not in ("actpass", "active", "passive"):
        raise BadOffer(422, f"a=setup:{setup[:40]} is no role to begin with")
    prints = [text for text in section.all("fingerprint") if _FINGERPRINT.fullmatch(text)]
    # Neither names that only the far end's network can resolve, nor the word that no candidate
    # follows: with both, a connection that the far end itself would open never comes about.
    candidates = [text for one in section.all("candidate") if (text := _reachable(one))]
    return [
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        f"a=ice-ufrag:{section.one('ice-ufrag')}",
        f"a=ice-pwd:{section.one('ice-pwd')}",
        *(f"a=fingerprint:{text}" for text in prints),
        f"a=setup:{setup}",
        *(f"a=candidate:{text}" for text in candidates[:MOST_CANDIDATES]),
    ]


def _reachable(candidate: str) -> str:
    """The candidate, but what extends it (RFC 8839 §5.1); empty if packets cannot go there."""
    found = _CANDIDATE.fullmatch(candidate)
    if found is None or not 0 < int(found[4]) < 65536 or int(found[2]) >= 1 << 32:
        return ""
    try:
        address = ipaddress.ip_address(found[3])
    except ValueError:
        return ""
    return "" if address.is_multicast or address.is_unspecified else found[1]

"""What a SIP request says of a call: header fields (RFC 3261 §7.3), and the codec it will use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LONGEST = 256  # characters of one value; a stranger chooses them
MOST = 32  # fields told of one request

_COMPACT = {
    "i": "call-id",
    "m": "contact",
    "f": "from",
    "t": "to",
    "v": "via",
    "c": "content-type",
    "l": "content-length",
    "s": "subject",
    "k": "supported",
    "e": "content-encoding",
    "x": "session-expires",
}
_STATIC = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000"}  # RFC 3551, table 4
_URI = re.compile(r"(?:sips?|tel):(?:([^@>;?]*)@)?([^;>?\s]*)", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Request:
    """A request in its parts: the first line's URI, fields by lower-case name, the body."""

    uri: str
    fields: Mapping[str, tuple[str, ...]]
    body: str


def parse(text: str) -> Request:
    """Take a request apart: folded, compact and repeated fields as RFC 3261 §7.3 has them.

    Never raises: what cannot be read is left out.
    """
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
    first = lines[0].split()
    fields: dict[str, tuple[str, ...]] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            continue
        key = name.strip().lower()
        key = _COMPACT.get(key, key)
        fields[key] = (*fields.get(key, ()), value.strip())
    return Request(first[1] if len(first) > 1 else "", fields, body)


def number(uri: str) -> str:
    """The user part of a URI, or its host where there is none: a telephone number, mostly."""
    found = _URI.search(uri)
    if found is None:
        return ""
    user, host = found.groups()
    return clean((user or host or "").partition(":")[0])


def clean(value: str) -> str:
    """Without control characters, in whole characters, and not longer than ``LONGEST``.

    Octets that are no UTF-8 come as lone surrogates, which no JSON reader takes.
    """
    whole = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return _UNSEEN.sub(" ", whole).strip()[:LONGEST]


def codec(body: str, *, ours: Iterable[str]) -> str:
    """The first offered codec that is one of ``ours``, as ``NAME/rate``; empty without an offer.

    The answer follows the offer's order, so the first common one is what will be used.
    """
    offered = re.search(r"^m=audio \d+(?:/\d+)? \S+ ([\d ]+)", body, re.MULTILINE)
    if offered is None:
        return ""
    mapped: dict[str, str] = dict(re.findall(r"^a=rtpmap:(\d+) ([\w.-]+/\d+)", body, re.MULTILINE))
    names = {name.upper() for name in ours}
    for payload in offered[1].split():
        name = mapped.get(payload, _STATIC.get(payload, ""))
        if name.partition("/")[0].upper() in names:
            return name.upper()
    return ""


def facts(text: str, *, headers: Iterable[str], codecs: Iterable[str]) -> dict[str, str]:
    """A call's facts: ``leg``, ``codec``, ``caller``, ``callee``, and the fields ``headers`` names.

    A field keeps its name in lower case; repeated ones are joined by a comma (§7.3.1).
    """
    request = parse(text)
    told = {
        "leg": "sip",
        "codec": codec(request.body, ours=codecs),
        "caller": number(",".join(request.fields.get("from", ()))),
        "callee": number(request.uri),
    }
    for name in list(headers)[:MOST]:
        values = request.fields.get(name.lower())
        if values is not None and name.lower() not in told:
            told[name.lower()] = clean(", ".join(values))
    return told

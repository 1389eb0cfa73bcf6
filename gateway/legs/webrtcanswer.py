"""The answer to a browser's offer, out of the one that the WebRTC library makes. Pure text."""

from __future__ import annotations

import ipaddress
import re

from gateway.legs.webrtcsdp import Checked, Section

_HOST = re.compile(r"(a=candidate:\S+ \d+ udp \d+ )(\S+)( \d+ typ host)")
_PLACE = re.compile(r"(?m)^(c=IN IP[46] )(\S+)(\s)")


def answer(made: str, *, offer: Checked, bitrate: int, public_ip: str | None = None) -> str:
    """The answer as it is sent, from the one the library ``made``.

    ``bitrate`` is what the far end's Opus may use on average, in bits a second (RFC 7587 §6.1).
    ``public_ip`` stands for our own addresses where those are translated.
    """
    head, *blocks = re.split(r"\r\n(?=m=)", made.removesuffix("\r\n"))
    ours = {block[2:].partition(" ")[0]: block for block in blocks}
    group = _group(offer)
    told = [re.sub(r"(?m)^a=group:BUNDLE.*$", lambda _: group, head)]
    for place, section in enumerate(offer.sections):
        if place not in offer.taken:
            told.append(_refusal(section))
        elif section.kind == "audio":
            told.append(_tuned(ours["audio"], offer, bitrate=bitrate))
        else:
            told.append(ours["application"])
    text = "\r\n".join(told) + "\r\n"
    return text if public_ip is None else _announce(text, public_ip)


def _group(offer: Checked) -> str:
    """In the order of the offer: the section that speaks for all stays the same."""
    return f"a=group:BUNDLE {' '.join(offer.sections[place].mid for place in sorted(offer.taken))}"


def _refusal(section: Section) -> str:
    first = f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}"
    return "\r\n".join((first, "c=IN IP4 0.0.0.0", "a=inactive", f"a=mid:{section.mid}"))


def _tuned(block: str, offer: Checked, *, bitrate: int) -> str:
    lines = block.split("\r\n")
    more = ["a=ptime:20"]
    if offer.codec.startswith("opus"):
        fmtp = f"minptime=10;useinbandfec=1;maxaveragebitrate={bitrate};stereo=0"
        more.append(f"a=fmtp:{offer.payload} {fmtp}")
    if offer.digits is not None:
        lines[0] += f" {offer.digits}"
        rate = offer.codec.partition("/")[2]
        more.append(f"a=rtpmap:{offer.digits} telephone-event/{rate}")
        more.append(f"a=fmtp:{offer.digits} 0-15")
    return "\r\n".join([*lines, *more])


def _announce(answer: str, public_ip: str) -> str:
    """``public_ip`` in place of our own addresses of its family; the others are not translated."""
    version = ipaddress.ip_address(public_ip).version
    ours = {found[2] for found in _HOST.finditer(answer)}
    translated = {one for one in ours if ipaddress.ip_address(one).version == version}

    def told(found: re.Match[str]) -> str:
        before, address, after = found.groups()
        return f"{before}{public_ip if address in translated else address}{after}"

    return _PLACE.sub(told, _HOST.sub(told, answer))

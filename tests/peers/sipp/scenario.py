"""SIPp scenarios, written step by step: what is sent, what must come back, how long to wait.

Written here rather than as XML files because every message of a dialogue repeats eight lines.
``[words]`` in brackets are filled in by SIPp.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self
from xml.sax.saxutils import quoteattr

EVENT = 101  # payload type of telephone-event
_NAMES = {0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000", 18: "G729/8000"}


def offer(
    port: int | str = "[rtpstream_audio_port]",
    *,
    version: int = 1,
    direction: str = "sendrecv",
    address: str = "[media_ip]",
    payloads: Sequence[int] = (0,),
) -> str:
    """A session description with one audio stream."""
    kinds = [*payloads, EVENT]
    maps = [f"a=rtpmap:{kind} {_NAMES[kind]}" for kind in payloads]
    return "\n".join(
        [
            "v=0",
            f"o=- 1 {version} IN IP[local_ip_type] [local_ip]",
            "s=-",
            f"c=IN IP[media_ip_type] {address}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {' '.join(map(str, kinds))}",
            *maps,
            f"a=rtpmap:{EVENT} telephone-event/8000",
            f"a=fmtp:{EVENT} 0-15",
            "a=ptime:20",
            f"a={direction}",
            "",
        ]
    )


class Scenario:
    """One side of a dialogue, in order; methods return it, so that steps can be chained."""

    def __init__(self, *, caller: str = "sipp") -> None:
        self._caller = caller
        self._steps: list[str] = []
        self._cseq = self._invited = self._branch = 0
        self._in_dialogue = False

    def send(
        self,
        method: str,
        *,
        body: str = "",
        kind: str = "application/sdp",
        fields: Sequence[str] = (),
    ) -> Self:
        """A new request, outside of the dialogue or, once it is there, in it."""
        self._cseq += 1
        self._branch += 1
        if method == "INVITE":
            self._invited = self._cseq
        return self._request(method, body=body, kind=kind, fields=fields)

    def invite(self, body: str, *, fields: Sequence[str] = ()) -> Self:
        """Call, and be answered; the 200 opens the dialogue."""
        self.send("INVITE", body=body, fields=fields)
        return self.ringing().expect(200)

    def ringing(self) -> Self:
        """Whatever comes before the final reply."""
        return self.expect(100, optional=True).expect(180, optional=True)

    def prack(self) -> Self:
        """Wait for a reliable 180 (RFC 3262), acknowledge it."""
        self._steps.append(
            '<recv response="180" rrs="true"><action>'
            '<ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" assign_to="number"/>'
            "</action></recv>"
        )
        self._in_dialogue = True
        return self.send("PRACK", fields=[f"RAck: [$number] {self._cseq} INVITE"]).expect(200)

    def ack(self, body: str = "") -> Self:
        """Acknowledge a 200."""
        self._branch += 1
        return self._request("ACK", body=body)

    def refused(self, code: int) -> Self:
        """The INVITE is refused, which is acknowledged as RFC 3261 §17.1.1.3 has it."""
        self.expect(code)
        return self._request("ACK", acknowledges=True)

    def cancel(self) -> Self:
        """Take the INVITE back, in its own transaction's branch; 200 and 487 come in any order."""
        return self._request("CANCEL").expect(200, optional=True).refused(487)

    def bye(self) -> Self:
        """Hang up."""
        return self.send("BYE").expect(200)

    def expect(self, code: int, *, optional: bool = False) -> Self:
        """A reply that must come next."""
        self._in_dialogue = self._in_dialogue or code == 200
        rest = ' optional="true"' if optional else ' rrs="true"' if code == 200 else ""
        self._steps.append(f'<recv response="{code}"{rest}/>')
        return self

    def asked(self, method: str) -> Self:
        """A request that must come next; it is answered with 200."""
        self._steps.append(f"<recv request={quoteattr(method)}/>")
        copied = ("Via", "From", "To", "Call-ID", "CSeq")
        lines = ["SIP/2.0 200 OK", *(f"[last_{name}:]" for name in copied), "Content-Length: 0"]
        self._steps.append(_sent("\n".join([*lines, "", ""])))
        return self

    def pause(self, ms: int) -> Self:
        """Wait."""
        self._steps.append(f'<pause milliseconds="{ms}"/>')
        return self

    def play(self, file: str) -> Self:
        """Send a raw PCMU file over and over as RTP, from now on."""
        return self._do(f'rtp_stream="{file},-1,0,PCMU/8000"')

    def play_once(self, file: str) -> Self:
        """Send a raw PCMU file as RTP."""
        return self._do(f'rtp_stream="{file},1,0,PCMU/8000"')

    def press(self, capture: str) -> Self:
        """Send the RTP of a packet capture, which holds a key of RFC 4733."""
        return self._do(f'play_pcap_audio="{capture}"')

    def xml(self) -> str:
        """As SIPp reads it."""
        steps = "\n".join(self._steps)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario>\n{steps}\n</scenario>\n'

    def _do(self, action: str) -> Self:
        self._steps.append(f"<nop><action><exec {action}/></action></nop>")
        return self

    def _request(
        self,
        method: str,
        *,
        body: str = "",
        kind: str = "application/sdp",
        fields: Sequence[str] = (),
        acknowledges: bool = False,
    ) -> Self:
        inside = self._in_dialogue and not acknowledges
        home = "sip:[service]@[remote_ip]:[remote_port]"
        lines = [
            f"{method} {'[next_url]' if inside else home} SIP/2.0",
            "Via: SIP/2.0/[transport] [local_ip]:[local_port]"
            f";branch=z9hG4bK[pid]n[call_number]n{self._branch}",
            f"From: <sip:{self._caller}@[local_ip]:[local_port]>;tag=[pid]t[call_number]",
            f"To: <{home}>{'[peer_tag_param]' if inside or acknowledges else ''}",
            "Call-ID: [call_id]",
            f"CSeq: {self._invited if method in ('ACK', 'CANCEL') else self._cseq} {method}",
            f"Contact: <sip:{self._caller}@[local_ip]:[local_port];transport=[transport]>",
            "Max-Forwards: 70",
            *(["[routes]"] if inside else []),
            *([f"Content-Type: {kind}"] if body else []),
            *fields,
            "Content-Length: [len]",
        ]
        self._steps.append(_sent("\n".join([*lines, "", body]), again=method != "ACK"))
        return self


def _sent(message: str, *, again: bool = False) -> str:
    # What we send has no "]]>" in it.
    retransmitted = ' retrans="500"' if again else ""
    return f"<send{retransmitted}><![CDATA[\n{message}\n]]></send>"

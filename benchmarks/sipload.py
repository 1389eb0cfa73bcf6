"""Many callers for the price of few: SIPp, which plays a file as PCMU into every call."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from media.frame import Pcm, silence
from media.g711 import ulaw_encode
from media.tones import tone

RATE = 8_000
CALLS_PER_S = 20
_SDP = """v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=ptime:20
"""


def talk() -> Pcm:
    """Two seconds of a voice's loudness, two of quiet: turns are taken, as in a conversation."""
    return np.concatenate([tone(300, 2 * RATE, rate=RATE, amplitude=0.1), silence(2 * RATE)])


def pips(*, seconds: int) -> Pcm:
    """A pip of 20 ms at the start of every second."""
    pip = tone(1_000, RATE // 50, rate=RATE, amplitude=0.5)
    return np.tile(np.concatenate([pip, silence(RATE - len(pip))]), seconds)


def free_port() -> int:
    """One that is free for UDP and TCP on loopback just now."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def ramp_s(calls: int) -> float:
    """Until the last of them has been dialled."""
    return calls / CALLS_PER_S


@contextmanager
def callers(
    folder: Path, *, port: int, calls: int, talk_s: float, said: Pcm
) -> Iterator[subprocess.Popen[bytes]]:
    """``calls`` calls to loopback, each of ``talk_s``, that say ``said`` (8 kHz) over and over.

    At the end waits for them to hang up. Raises ``SystemExit`` if any call failed.
    """
    if shutil.which("sipp") is None:
        raise SystemExit("no sipp: apt-get install sip-tester")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "said.ulaw").write_bytes(ulaw_encode(said))
    (folder / "call.xml").write_text(scenario(), encoding="utf-8")
    command = [
        *("sipp", "-sf", "call.xml", f"127.0.0.1:{port}", "-i", "127.0.0.1"),
        *("-p", str(free_port()), "-mi", "127.0.0.1", "-mp", str(free_port() & ~1)),
        *("-m", str(calls), "-l", str(calls), "-r", str(CALLS_PER_S)),
        *("-d", str(round(talk_s * 1000)), "-nostdin", "-timeout", f"{talk_s + 60:.0f}s"),
    ]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
        code = process.wait(talk_s + 60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code != 0:
        raise SystemExit(f"SIPp: exit code {code}: not every call was answered and ended well")


def scenario() -> str:
    """Call, play the file for the length of the pause, hang up."""
    call = [
        _request("INVITE", number=1, to="", body=_SDP),
        '<recv response="100" optional="true"/><recv response="180" optional="true"/>',
        '<recv response="200"/>',
        _request("ACK", number=1, to="[peer_tag_param]"),
        '<nop><action><exec rtp_stream="said.ulaw,-1,0,PCMU/8000"/></action></nop>',
        '<pause/><nop><action><exec rtp_stream="pause"/></action></nop>',
        _request("BYE", number=2, to="[peer_tag_param]"),
        '<recv response="200"/>',
    ]
    return '<?xml version="1.0"?>\n<scenario name="call">\n' + "\n".join(call) + "\n</scenario>\n"


def _request(method: str, *, number: int, to: str, body: str = "") -> str:
    here = "sip:sipp@[local_ip]:[local_port]"
    lines = [
        f"{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        f"From: <{here}>;tag=[pid]c[call_number]",
        f"To: <sip:[service]@[remote_ip]:[remote_port]>{to}",
        "Call-ID: [call_id]",
        f"CSeq: {number} {method}",
        f"Contact: <{here};transport=[transport]>",
        "Max-Forwards: 70",
        *(["Content-Type: application/sdp"] if body else []),
        "Content-Length: [len]",
    ]
    again = "" if method == "ACK" else ' retrans="500"'
    return f"<send{again}><![CDATA[\n" + "\n".join(lines) + f"\n\n{body}]]></send>"

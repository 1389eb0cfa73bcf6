"""A SIP worker without SIP: ``MANNER SOCKET``."""

from __future__ import annotations

import socket
import sys
import threading

from gateway.legs.sipprotocol import (
    Accept,
    Beat,
    Bye,
    Confirmed,
    Ended,
    Event,
    Failed,
    Incoming,
    Media,
    Ready,
    Report,
    Ring,
    Sound,
    Start,
    Stop,
)
from gateway.legs.sipwire import MESSAGE_BYTES, decode_command, encode

manner, link = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
pause = threading.Event()


def tell(event: Event) -> None:
    link.send(encode(event))


def beat() -> None:
    while not pause.wait(0.05):
        tell(Beat(0 if manner == "faint" else 50, 0))


assert isinstance(decode_command(link.recv(MESSAGE_BYTES)), Start)
if manner == "taken":
    tell(Failed("UDP 127.0.0.1:5060: Address already in use"))
    sys.exit()
if manner == "rubbish":
    link.send(b"?")
tell(Ready("fake 1"))
if manner != "mute":
    threading.Thread(target=beat, daemon=True).start()
tell(Incoming(1, "192.0.2.7", {"leg": "sip", "caller": "alice"}))
while packet := link.recv(1 << 17):
    match decode_command(packet):
        case Sound(packets=packets):
            tell(Media(tuple(Report(call, number, pcm) for call, number, pcm in packets)))
        case Bye(call=call, code=code, reason=reason):
            tell(Ended(call, code, reason))
        case Stop():
            break
        case Ring(call=call) | Accept(call=call):
            tell(Confirmed(call))
            tell(Media((Report(call, -1, bytes(320)),)))
pause.set()

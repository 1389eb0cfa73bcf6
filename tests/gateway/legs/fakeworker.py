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
    Dial,
    Ended,
    Event,
    Failed,
    Incoming,
    Media,
    Progress,
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
crowd = range(1, 129) if manner == "crowd" else range(1, 2)
waiting = set(crowd)
for number in crowd:
    tell(Incoming(number, "192.0.2.7", {"leg": "sip", "caller": "alice"}))
while packet := link.recv(1 << 17):
    match decode_command(packet):
        case Sound(packets=packets):
            tell(Media(tuple(Report(call, number, pcm) for call, number, pcm in packets)))
        case Dial(call=call, to=to):
            tell(Progress(call, 180, "Ringing"))
            if "busy" in to:
                tell(Ended(call, 486, "Busy Here"))
            elif "nobody" not in to:
                tell(Confirmed(call, "PCMU/8000"))
                if "brief" in to:
                    tell(Media(tuple(Report(call, -1, bytes(320)) for _ in range(25))))
                    tell(Ended(call, 200, "OK"))
        case Bye(call=call, code=code, reason=reason):
            tell(Ended(call, code, reason))
        case Stop():
            break
        case Accept(call=call) if manner == "crowd":
            tell(Confirmed(call))
            waiting.discard(call)
            if not waiting:  # one tick of all of them, at 16 kHz
                tell(Media(tuple(Report(call, -1, bytes(640)) for call in crowd)))
        case Ring(call=call) | Accept(call=call):
            tell(Confirmed(call))
            tell(Media((Report(call, -1, bytes(320)),)))
pause.set()

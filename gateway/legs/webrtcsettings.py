"""What the calls of a WebRTC switchboard share."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server (RFC 7064, RFC 7065); names and passwords are TURN's."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WebRtcSettings:
    """Of the leg and what carries it.

    ``host``: the one address of ours that far ends may reach, or ``0.0.0.0`` or ``::`` for all of
    this machine's but loopback. ``public_ip`` is told in its place. ``bitrate`` of Opus, both
    ways, in bits a second. ``connect_s``: how long ICE and DTLS may take; ``silent_s``: after how
    long without any packet a far end is gone. ``seat_s``: how long an offer waits for its seat.
    """

    host: str = "127.0.0.1"
    public_ip: str | None = None
    ice_servers: tuple[IceServer, ...] = ()
    bitrate: int = 24_000
    connect_s: float = 15.0
    silent_s: float = 15.0
    seat_s: float = 10.0

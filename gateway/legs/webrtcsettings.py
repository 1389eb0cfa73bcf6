"""What the calls of a WebRTC switchboard share. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

# The life that draft-uberti-behave-turn-rest-00 §2.2 recommends. It bounds who may begin: a
# relay that is in use is kept for as long as its call lasts.
CREDENTIALS_S = 86_400


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server (RFC 7064, RFC 7065); names and passwords are TURN's.

    With a ``secret`` that is shared with the server they are made anew for each call.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    @property
    def told(self) -> bool:
        """Whether a page may know it: what it learns must run out."""
        return self.url.startswith("stun") or bool(self.secret)

    def at(self, now_s: float) -> IceServer:
        """As it is used from ``now_s`` (Unix time) on: with a name and a password that run out.

        The name tells when; the password proves that who made it knows the secret
        (draft-uberti-behave-turn-rest-00 §2.2, coturn's ``use-auth-secret``).
        """
        if not self.secret:
            return self
        until = str(int(now_s) + CREDENTIALS_S)
        name = f"{until}:{self.username}" if self.username else until
        mac = hmac.digest(self.secret.encode(), name.encode(), hashlib.sha1)
        return replace(self, username=name, password=base64.b64encode(mac).decode())


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
    bitrate: int = 32_000
    connect_s: float = 15.0
    silent_s: float = 15.0
    seat_s: float = 10.0

    def at(self, now_s: float) -> WebRtcSettings:
        """As a call has them that begins at ``now_s`` (Unix time)."""
        return replace(self, ice_servers=tuple(one.at(now_s) for one in self.ice_servers))


def for_pages(servers: Iterable[IceServer], *, now_s: float) -> tuple[IceServer, ...]:
    """Those that a page may use itself, as it is to use them."""
    return tuple(one.at(now_s) for one in servers if one.told)

"""How a SIP worker is to behave. It travels as part of the first command."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

TICK_MS = 20  # one RTP packet, one tick of the media clock


@dataclass(frozen=True, slots=True)
class Account:
    """Where a worker registers, so that calls come to it (RFC 3261 §10).

    ``registrar`` and ``proxy`` are SIP URIs; ``realm`` ``*`` answers a challenge of any realm.
    Without ``registers`` it is only for calls that are dialled.
    """

    registrar: str
    user: str
    password: str = field(repr=False)
    realm: str = "*"
    proxy: str = ""
    expires_s: int = 300
    registers: bool = True


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """``ring`` is in packets; ``headers`` are the names of fields told in ``Incoming.facts``.

    ``rate`` is that of the sound between worker and gateway, in hertz: 8000, or 16000 where
    G.722 is spoken. ``public_host`` is the address told to far ends in place of ``host``.
    ``dial`` is the account, a place in ``accounts``, that dialled calls go out by; -1: none.
    ``proxy`` is the SIP URI they are sent to, whatever they name; empty: what they name.
    With ``early_media`` a caller's way to us is open before we answer; silence goes out.
    ``port`` 0 is any, ``rtp_port_min`` to ``rtp_port_max`` are for sound, two for each call.
    """

    host: str = "127.0.0.1"
    port: int = 5060
    public_host: str = ""
    rtp_port_min: int = 20_000
    rtp_port_max: int = 20_999
    calls: int = 4
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    rate: int = 8_000
    headers: tuple[str, ...] = ("P-Asserted-Identity", "Diversion")
    accounts: tuple[Account, ...] = ()
    dial: int = -1
    proxy: str = ""
    ring: int = 2
    early_media: bool = False
    media_timeout_s: float = 30.0
    acknowledge_s: float = 5.0

    @property
    def samples(self) -> int:
        """Of one tick."""
        return self.rate * TICK_MS // 1000


def part(settings: WorkerSettings, place: int, *, of: int) -> WorkerSettings:
    """Those of the worker at ``place`` among ``of``: its port, its share of the RTP ports.

    Ports are two apart, because TLS has the one after each. Only the first one registers and
    dials: two that registered alike would both be called.
    """
    low, high = settings.rtp_port_min, settings.rtp_port_max
    share = (high + 1 - low) // of & ~1  # RTP takes the even port, RTCP the odd one after it
    low += low % 2
    first = low + place * share
    last = high if place == of - 1 else first + share - 1
    own = replace(settings, port=settings.port + 2 * place, rtp_port_min=first, rtp_port_max=last)
    return own if place == 0 else replace(own, accounts=(), dial=-1, proxy="")

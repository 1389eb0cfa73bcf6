"""How a SIP worker is to behave. It travels as part of the first command."""

from __future__ import annotations

from dataclasses import dataclass, field

TICK_MS = 20  # one RTP packet, one tick of the media clock


@dataclass(frozen=True, slots=True)
class Account:
    """Where a worker registers, so that calls come to it (RFC 3261 §10).

    ``registrar`` is a SIP URI; ``realm`` ``*`` answers any challenge.
    """

    registrar: str
    user: str
    password: str = field(repr=False)
    realm: str = "*"
    proxy: str = ""
    expires_s: int = 300


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """``ring`` is in packets; ``headers`` are the names of fields told in ``Incoming.facts``.

    ``rate`` is that of the sound between worker and gateway, in hertz: 8000, or 16000 where
    G.722 is spoken. ``public_host`` is the address told to far ends in place of ``host``.
    ``dial`` is the account, a place in ``accounts``, that dialled calls go out by; -1: none.
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
    ring: int = 2
    media_timeout_s: float = 30.0
    acknowledge_s: float = 5.0

    @property
    def samples(self) -> int:
        """Of one tick."""
        return self.rate * TICK_MS // 1000

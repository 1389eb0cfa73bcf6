"""Whether a call is taken, before anything is promised to its caller. Pure: time is handed in.

The first that applies, in this order:

====  ================  ===========  ============================================================
code  reason            Retry-After  when
====  ================  ===========  ============================================================
403   stranger          no           the source is in no allowed network
503   too-fast          yes          the source has used up its bucket
503   draining          yes          the gateway is being stopped
404   no-route          no           nobody answers that number
503   engine-not-ready  yes          the engine is starting, or being started anew
503   full              yes          every seat is taken
503   half-open         yes          too many calls are admitted and not answered yet
486   route-full        no           the route has as many calls as it may
====  ================  ===========  ============================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from gateway.bucket import Buckets
from gateway.routing import Route
from gateway.source import address_of, counted_as

ENGINE_RETRY_S = 5  # an engine is back within seconds
FULL_RETRY_S = 10
DRAINING_RETRY_S = 60  # a restart, or another gateway


@dataclass(frozen=True, slots=True)
class Rules:
    """``calls_per_second`` and ``burst`` are of each source: an address, in IPv6 its /64."""

    allow: tuple[IPv4Network | IPv6Network, ...]
    calls_per_second: float
    burst: int
    half_open: int


@dataclass(frozen=True, slots=True)
class Load:
    """How it stands: ``free`` seats that no admitted call will take; calls not answered yet."""

    warm: bool
    draining: bool
    free: int
    half_open: int
    on_route: int


@dataclass(frozen=True, slots=True)
class Accept:
    """The call is taken."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call is refused with SIP status ``code``; ``reason`` is a slug."""

    code: int
    reason: str
    retry_after_s: int | None = None


Verdict: TypeAlias = Accept | Refuse


class Admission:
    """The judge. It remembers how fast each source calls, and nothing else."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._buckets = Buckets(per_second=rules.calls_per_second, burst=rules.burst)

    def decide(self, source: str, *, route: Route | None, load: Load, now_s: float) -> Verdict:
        """Judge an offer from the address ``source`` for ``route`` (``None``: nobody's number)."""
        address = address_of(source)
        if address is None or not any(address in network for network in self._rules.allow):
            return Refuse(403, "stranger")  # costs no bucket, so strangers cannot fill the table
        if wait_s := self._buckets.take(counted_as(address), now_s):
            return Refuse(503, "too-fast", math.ceil(wait_s))
        if load.draining:
            return Refuse(503, "draining", DRAINING_RETRY_S)
        if route is None:
            return Refuse(404, "no-route")
        if not load.warm:
            return Refuse(503, "engine-not-ready", ENGINE_RETRY_S)
        if load.free <= 0:
            return Refuse(503, "full", FULL_RETRY_S)
        if load.half_open >= self._rules.half_open:
            return Refuse(503, "half-open", FULL_RETRY_S)
        if route.calls is not None and load.on_route >= route.calls:
            return Refuse(486, "route-full")
        return Accept()


def refusal_line(refuse: Refuse, *, source: str, caller: str, callee: str) -> str:
    """The one line of a refusal, always of this form, for people and for log readers.

    ``refused code=503 reason=full retry_after_s=10 source=192.0.2.1 caller='…' callee='…'``.
    Texts from outside are ASCII, quoted and cut, so that they cannot make a line of their own.
    """
    retry = "-" if refuse.retry_after_s is None else refuse.retry_after_s
    address = address_of(source) or "-"
    return (
        f"refused code={refuse.code} reason={refuse.reason} retry_after_s={retry}"
        f" source={address} caller={caller[:64]!a} callee={callee[:64]!a}"
    )

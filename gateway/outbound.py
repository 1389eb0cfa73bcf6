"""Calls that the gateway makes because somebody asked it to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.desk import Desk
from gateway.dialling import check_allowed, check_reachable, target_of
from gateway.errors import ConfigError, GatewayError
from gateway.legs.base import Leg
from gateway.legs.sipdial import Dialling
from gateway.sipconfig import SipConfig

OURS = -1  # the route of a call that came to no number


class NotDialled(GatewayError):
    """A call that was asked for is not made. ``status`` is HTTP's."""

    def __init__(self, status: int, why: str, *, retry_after_s: int | None = None) -> None:
        self.status, self.why, self.retry_after_s = status, why, retry_after_s
        super().__init__(why)


class Board(Protocol):
    """A switchboard that can also call out."""

    @property
    def up(self) -> bool:
        """Whether a call would go out."""

    def dial(self, dialling: Dialling) -> Leg:
        """A leg that calls when it is to answer."""


class Outgoing:
    """The ``Offer`` of a call that we make. Whoever asked for it waits for its ``name``."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self.facts: Mapping[str, str] = leg.facts
        self.source = "us"
        self.name: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ring(self) -> None:
        """Nobody hears it: the far end is called when the seat is warm."""

    async def reject(
        self, code: int, *, reason: str = "", retry_after_s: int | None = None
    ) -> None:
        """It became no call."""
        if not self.name.done():
            self.name.set_exception(NotDialled(code, reason or "the call could not be made"))

    def named(self, call_id: str) -> None:
        """The call that it has become; perhaps nobody waits any more."""
        if not self.name.done():
            self.name.set_result(call_id)

    def leg(self) -> Leg:
        """Of the far end."""
        return self._leg


@dataclass(frozen=True, slots=True)
class Outbound:
    """What may be called and by which line; ``desk`` knows who talks there.

    ``board`` is ``None`` where there is no SIP. Routes are for who calls us: whom we call hears
    what the settings say for all calls.
    """

    sip: SipConfig
    board: Board | None
    desk: Desk

    def check(self, uri: str) -> None:
        """Raises ``NotDialled`` if ``uri`` may not be called, or not now."""
        outbound = self.sip.outbound
        if not outbound.enabled:
            raise NotDialled(409, "nothing is dialled: sip.outbound.enabled is false")
        if self.board is None:
            raise NotDialled(409, "nothing is dialled: there is no SIP line")
        try:
            target = target_of(uri)
        except ConfigError as error:
            raise NotDialled(400, str(error)) from error
        try:
            check_allowed(target, outbound)
            check_reachable(target, host=self.sip.host, proxied=self._proxied)
        except ConfigError as error:
            raise NotDialled(403, str(error)) from error
        if not self.board.up:
            raise NotDialled(503, "the SIP line is down", retry_after_s=5)

    def offer(self, uri: str) -> Outgoing:
        """A call of what was checked, which has not begun."""
        assert self.board is not None
        return Outgoing(self.board.dial(Dialling(uri, ring_s=self.sip.outbound.ring_s)))

    @property
    def _proxied(self) -> bool:
        """Whether calls go to a proxy, whatever they name."""
        outbound = self.sip.outbound
        own = (one.proxy for one in self.sip.registrations if one.user == outbound.account)
        return bool(outbound.proxy or next(own, None))

"""Calls by SIP: offers, and the switchboard they come from. No SIP library here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from gateway.errors import WorkerLost
from gateway.legs.base import Leg
from gateway.legs.sipleg import SipLeg
from gateway.legs.sipprotocol import (
    Bye,
    Command,
    Confirmed,
    Ended,
    Event,
    HoldChanged,
    Incoming,
    Media,
    Packet,
    Pressed,
    Report,
    Ring,
    Silent,
    Sound,
)
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.sipsupervisor import WORKER, SipSupervisor
from gateway.offers import Offer


class SipOffer:
    """An INVITE that waits for an answer."""

    def __init__(self, incoming: Incoming, leg: SipLeg, send: Callable[[Command], None]) -> None:
        self._incoming, self._leg, self._send = incoming, leg, send

    @property
    def facts(self) -> Mapping[str, str]:
        return self._leg.facts

    @property
    def source(self) -> str:
        return self._incoming.source

    async def ring(self) -> None:
        """180 Ringing."""
        self._send(Ring(self._incoming.call))

    async def reject(
        self, code: int, *, reason: str = "", retry_after_s: int | None = None
    ) -> None:
        """Final answer ``code``."""
        if not 300 <= code <= 699:
            raise ValueError(f"{code} does not refuse a call")
        self._leg.refuse(Bye(self._incoming.call, code, reason, retry_after_s or 0))

    def leg(self) -> Leg:
        return self._leg


class SipSwitchboard:
    """Offers from one supervised SIP worker."""

    def __init__(self, settings: WorkerSettings, *, command: Sequence[str] = WORKER) -> None:
        self._settings = settings
        self._supervisor = SipSupervisor(settings, self._receive, command=command)
        self._legs: dict[int, SipLeg] = {}
        self._offers: asyncio.Queue[Offer | None] = asyncio.Queue()
        self._closed = False

    @property
    def up(self) -> bool:
        """Whether a worker listens right now."""
        return self._supervisor.up

    @property
    def pid(self) -> int | None:
        """Of the worker."""
        return self._supervisor.pid

    @property
    def restarts(self) -> int:
        """Workers started in place of lost ones."""
        return self._supervisor.restarts

    async def start(self) -> None:
        """Listen. Raises ``LegError``."""
        await self._supervisor.start()

    async def offers(self) -> AsyncIterator[Offer]:
        """Calls as they come in."""
        while (offer := await self._offers.get()) is not None:
            yield offer

    async def close(self) -> None:
        """End the worker and the offers."""
        if not self._closed:
            self._closed = True
            self._offers.put_nowait(None)
        await self._supervisor.close()
        self._lose(WorkerLost(leg="sip", why="the switchboard was closed"))

    def _receive(self, event: Event | WorkerLost) -> None:
        match event:
            case WorkerLost():
                self._lose(event)
            case Media(reports=reports):
                self._tick(reports)
            case Incoming():
                self._offer(event)
            case Confirmed() | Pressed() | HoldChanged() | Silent() | Ended():
                leg = self._legs.get(event.call)
                if leg is not None:
                    leg.take(event)
                if isinstance(event, Ended):
                    self._legs.pop(event.call, None)

    def _tick(self, reports: Sequence[Report]) -> None:
        packets: list[Packet] = []
        for report in reports:
            leg = self._legs.get(report.call)
            if leg is not None:
                packets += leg.tick(report)
        if packets:
            self._supervisor.send(Sound(tuple(packets)))

    def _offer(self, incoming: Incoming) -> None:
        if self._closed:
            self._supervisor.send(Bye(incoming.call, 503, "Stopped"))
            return
        send = self._sender()
        leg = SipLeg(incoming.call, facts=incoming.facts, send=send, settings=self._settings)
        self._legs[incoming.call] = leg
        self._offers.put_nowait(SipOffer(incoming, leg, send))

    def _sender(self) -> Callable[[Command], None]:
        """Speaks to the present worker only: its successor numbers its calls anew."""
        pid = self._supervisor.pid

        def send(command: Command) -> None:
            if self._supervisor.pid == pid:
                self._supervisor.send(command)

        return send

    def _lose(self, error: WorkerLost) -> None:
        legs, self._legs = self._legs, {}
        for leg in legs.values():
            leg.lose(error)

"""Calls by SIP: offers, and the switchboard they come from. No SIP library here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from gateway.errors import LegBroken, WorkerLost
from gateway.legs.base import Leg
from gateway.legs.sipcodes import unregistered
from gateway.legs.sipdial import Dialling
from gateway.legs.sipleg import SipLeg
from gateway.legs.sipmessage import clean, number
from gateway.legs.sipprotocol import (
    DIALLED,
    Bye,
    Command,
    Confirmed,
    Ended,
    Event,
    HoldChanged,
    Incoming,
    Measured,
    Media,
    Packet,
    Pressed,
    Progress,
    Registered,
    Report,
    Ring,
    Silent,
    Sound,
    SourceChanged,
)
from gateway.legs.sipsettings import Account, WorkerSettings
from gateway.legs.sipsupervisor import WORKER, SipSupervisor
from gateway.legs.sipwire import RECORDS
from gateway.offers import Offer
from gateway.ports import is_loopback

logger = logging.getLogger(__name__)


class SipOffer:
    """An INVITE that waits for an answer."""

    def __init__(
        self,
        call: int,
        *,
        leg: SipLeg,
        send: Callable[[Command], None],
        source: str,
        early_media: bool,
    ) -> None:
        self._call, self._leg, self._send, self._source = call, leg, send, source
        self._early_media = early_media

    @property
    def facts(self) -> Mapping[str, str]:
        return self._leg.facts

    @property
    def source(self) -> str:
        return self._source

    async def ring(self) -> None:
        """180 Ringing; 183 with our codec where sound is to flow before the answer."""
        self._send(Ring(self._call, early=self._early_media))

    async def reject(
        self, code: int, *, reason: str = "", retry_after_s: int | None = None
    ) -> None:
        """Final answer ``code``."""
        if not 300 <= code <= 699:
            raise ValueError(f"{code} does not refuse a call")
        self._leg.refuse(Bye(self._call, code, reason, retry_after_s or 0))

    def named(self, call_id: str) -> None:
        """SIP has a name of its own for the call."""

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
        self._dialled = DIALLED
        self._registered: set[int] = set()  # accounts

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

    def dial(self, dialling: Dialling) -> SipLeg:
        """A call to be made: it goes out with the leg's ``answer``."""
        accounts, dial = self._settings.accounts, self._settings.dial
        facts = {
            "leg": "sip",
            "codec": "",  # known when the far end has answered
            "caller": accounts[dial].user if dial >= 0 else "parley",
            "callee": number(dialling.to),
            "direction": "outbound",
        }
        leg = SipLeg(
            self._dialled,
            facts=facts,
            send=self._sender(),
            settings=self._settings,
            dialling=dialling,
        )
        self._legs[self._dialled] = leg
        self._dialled += 1
        return leg

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
            case (
                Progress()
                | Confirmed()
                | Pressed()
                | HoldChanged()
                | SourceChanged()
                | Silent()
                | Measured()
                | Ended()
            ):
                leg = self._legs.get(event.call)
                if leg is not None:
                    leg.take(event)
                if isinstance(event, Ended):
                    self._legs.pop(event.call, None)
            case Registered(account=account):
                self._log_registration(event, self._settings.accounts[account])

    def _log_registration(self, event: Registered, account: Account) -> None:
        """One line for each change; refreshes, which come every few minutes, are none."""
        who = f"{account.user} at {account.registrar}"
        if event.code // 100 != 2:
            self._registered.discard(event.account)
            why = unregistered(event.code)
            said = f"{event.code} {clean(event.reason)}"
            logger.error("SIP: not registered as %s: %s; %s", who, said, why)
        elif event.account not in self._registered:
            self._registered.add(event.account)
            logger.info("SIP: registered as %s for %d s", who, event.expires_s)

    def _tick(self, reports: Sequence[Report]) -> None:
        packets: list[Packet] = []
        for report in reports:
            leg = self._legs.get(report.call)
            if leg is None:
                continue
            try:
                packets += leg.tick(report)
            except Exception as error:  # of this call alone: the same tick brings the others' sound
                logger.exception("SIP call %d: unexpected", report.call)
                del self._legs[report.call]
                leg.lose(LegBroken(leg="sip", why=f"{type(error).__name__}: {error}"))
        for first in range(0, len(packets), RECORDS):
            self._supervisor.send(Sound(tuple(packets[first : first + RECORDS])))

    def _offer(self, incoming: Incoming) -> None:
        if self._closed:
            self._supervisor.send(Bye(incoming.call, 503, "Stopped"))
            return
        send = self._sender()
        leg = SipLeg(incoming.call, facts=incoming.facts, send=send, settings=self._settings)
        self._legs[incoming.call] = leg
        source = incoming.source
        if is_loopback(self._settings.host) and not is_loopback(source):
            # A telephone on this machine that sends from another of the machine's addresses.
            source = "127.0.0.1"
        offer = SipOffer(
            incoming.call,
            leg=leg,
            send=send,
            source=source,
            early_media=self._settings.early_media,
        )
        self._offers.put_nowait(offer)

    def _sender(self) -> Callable[[Command], None]:
        """Speaks to the present worker only: its successor numbers its calls anew."""
        pid = self._supervisor.pid

        def send(command: Command) -> None:
            if self._supervisor.pid == pid:
                self._supervisor.send(command)

        return send

    def _lose(self, error: WorkerLost) -> None:
        self._registered.clear()
        legs, self._legs = self._legs, {}
        for leg in legs.values():
            leg.lose(error)

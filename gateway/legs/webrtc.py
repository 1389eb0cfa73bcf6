"""Calls from browsers: offers, and the switchboard they come from. No WebRTC library here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.bus import EventBus
from gateway.errors import CallerGone, GatewayError, LegError
from gateway.legs.base import Leg
from gateway.legs.webrtcleg import Connection, WebRtcLeg
from gateway.legs.webrtcsdp import Checked, check
from gateway.legs.webrtcsettings import IceServer, WebRtcSettings, for_pages
from gateway.legs.webrtctelling import Telling
from gateway.offers import Offer
from gateway.outcome import Fault, Outcome
from media.clock import Clock, wall_utc

logger = logging.getLogger(__name__)
RETRY_S = 10
CLOSE_S = 5.0  # for all calls together; calls that ran have been hung up before
STATUS = {403: 403, 404: 404, 500: 500}  # all other refusals are for now: 503


class Refused(GatewayError):
    """An offer that is not taken. ``status`` is HTTP's."""

    def __init__(self, status: int, why: str, *, retry_after_s: int | None = None) -> None:
        self.status, self.why, self.retry_after_s = status, why, retry_after_s
        super().__init__(f"{status}: {why}")


@dataclass(frozen=True, slots=True)
class Answered:
    """``name`` is known to the caller alone and ends the call; ``call_id`` is for everybody."""

    name: str
    call_id: str
    sdp: str


class WebRtcOffer:
    """A browser that waits for an answer."""

    def __init__(self, leg: WebRtcLeg, *, source: str, bus: EventBus | None, clock: Clock) -> None:
        self._leg, self._source, self._bus, self._clock = leg, source, bus, clock
        self.call_id = ""

    @property
    def facts(self) -> Mapping[str, str]:
        return self._leg.facts

    @property
    def source(self) -> str:
        return self._source

    async def ring(self) -> None:
        """A browser's request waits; there is nothing to tell it."""

    async def reject(
        self, code: int, *, reason: str = "", retry_after_s: int | None = None
    ) -> None:
        """The status of the response that SIP status ``code`` comes nearest to."""
        if not 300 <= code <= 699:
            raise ValueError(f"{code} does not refuse a call")
        status = STATUS.get(code, 503)
        if status == 503 and retry_after_s is None:
            retry_after_s = RETRY_S
        self._leg.refuse(Refused(status, reason or "refused", retry_after_s=retry_after_s))

    def named(self, call_id: str) -> None:
        """The call that it has become; what it notes goes to its page, too."""
        self.call_id = call_id
        if self._bus is not None:
            self._leg.tell(Telling(self._bus, call_id=call_id, clock=self._clock))

    def leg(self) -> Leg:
        return self._leg


class WebRtcSwitchboard:
    """Offers of browsers, as ``offer`` gets them. ``token`` makes names that nobody guesses."""

    def __init__(
        self,
        settings: WebRtcSettings,
        *,
        clock: Clock,
        token: Callable[[], str],
        connect: Callable[[Checked, WebRtcSettings, WebRtcLeg], Connection],
        wall: Callable[[], datetime] = wall_utc,
    ) -> None:
        self._settings, self._clock, self._token, self._connect = settings, clock, token, connect
        self._wall = wall
        self._legs: dict[str, WebRtcLeg] = {}
        self._offers: asyncio.Queue[Offer | None] = asyncio.Queue()
        self._bus: EventBus | None = None
        self._up = self._closed = False

    @property
    def up(self) -> bool:
        return self._up

    @property
    def ice_servers(self) -> tuple[IceServer, ...]:
        """Those that a page may ask for addresses of its own, from now on."""
        return for_pages(self._settings.ice_servers, now_s=self._wall().timestamp())

    def listen(self, bus: EventBus) -> None:
        """Calls' events go to their pages from now on."""
        self._bus = bus

    async def start(self) -> None:
        """From now on offers are taken."""
        # Else each candidate of each call would be told, with the caller's addresses.
        logging.getLogger("aioice").setLevel(logging.WARNING)
        self._up = True

    async def offers(self) -> AsyncIterator[Offer]:
        """Calls as they come in."""
        while (offer := await self._offers.get()) is not None:
            yield offer

    async def offer(self, sdp: str, *, source: str, callee: str = "") -> Answered:
        """A browser at ``source`` calls ``callee``. Returns once its call has a seat.

        Raises ``BadOffer``, and ``Refused`` if it is not taken, or not in time.
        """
        if not self._up:
            raise Refused(503, "no calls are taken now", retry_after_s=RETRY_S)
        checked, settings = check(sdp), self._settings.at(self._wall().timestamp())
        facts = {"leg": "webrtc", "codec": checked.codec, "caller": "", "callee": callee}
        leg = WebRtcLeg(
            checked,
            facts=facts,
            settings=settings,
            clock=self._clock,
            connect=lambda leg: self._connect(checked, settings, leg),
        )
        offer = WebRtcOffer(leg, source=source, bus=self._bus, clock=self._clock)
        name = self._token()
        self._forget_ended()
        self._legs[name] = leg
        self._offers.put_nowait(offer)
        try:
            async with asyncio.timeout(self._settings.seat_s):
                answer = await leg.reply()
        except BaseException as error:
            leg.leave()
            del self._legs[name]
            raise _refusal(error) from error
        return Answered(name, offer.call_id, answer)

    def leave(self, name: str) -> bool:
        """The caller ends the call; False if there is none of this name (any more)."""
        leg = self._legs.pop(name, None)
        if leg is None or leg.over:
            return False
        leg.leave()
        return True

    async def close(self) -> None:
        """Take no more offers, and end what is still up."""
        if self._closed:
            return
        self._up, self._closed = False, True
        self._offers.put_nowait(None)
        legs, self._legs = self._legs, {}
        stopped = Outcome(Fault.GATEWAY, "stopped")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                ends = (leg.hangup(stopped) for leg in legs.values())
                await asyncio.gather(*ends, return_exceptions=True)

    def _forget_ended(self) -> None:
        for name in [name for name, leg in self._legs.items() if leg.over]:
            del self._legs[name]


def _refusal(error: BaseException) -> BaseException:
    """What the browser is told."""
    match error:
        case Refused():
            return error
        case TimeoutError() | CallerGone():
            return Refused(503, "no seat became free in time", retry_after_s=RETRY_S)
        case LegError(why=why):
            retry_after_s = RETRY_S
            return Refused(503, why, retry_after_s=retry_after_s)
    return error

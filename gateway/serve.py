"""``parley serve``: offers in, calls out, until it is asked to stop."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from bot.engine import EngineSpec
from gateway.admission import FULL_RETRY_S, Admission, Load, Refuse, refusal_line
from gateway.bus import EventBus
from gateway.calls import Calls, refuse
from gateway.desk import Desk
from gateway.drain import Drain
from gateway.engine import SupervisedEngine
from gateway.offers import Offer, Switchboard
from gateway.outbound import OURS, NotDialled, Outbound
from gateway.race import first_of
from gateway.ration import Ration
from gateway.readiness import Readiness
from gateway.routing import Routes
from gateway.telemetry import Telemetry
from media.clock import Clock
from media.recorder import InlineWriter, RecordWriter

logger = logging.getLogger(__name__)
TOLD_PER_SECOND, TOLD_BURST = 20.0, 100  # lines of refusals: 200 a second would be 2 GB a day


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway is made of. ``drain_s``: how long calls may go on once it is to stop.

    ``bus`` and ``telemetry`` are told what calls note, ``kept`` the id of each recorded call that
    is over. Without ``outbound`` no call is made.
    """

    switchboards: Sequence[Switchboard]
    engine: SupervisedEngine
    desk: Desk
    writer: RecordWriter | InlineWriter
    admission: Admission
    routes: Routes
    clock: Clock
    drain_s: float
    bus: EventBus = field(default_factory=EventBus)
    telemetry: Telemetry = field(default_factory=Telemetry)
    kept: Callable[[str], None] = lambda _: None
    outbound: Outbound | None = None


class Gateway:
    """Serves once. ``readiness`` may be asked at any time."""

    def __init__(self, parts: Parts, drain: Drain) -> None:
        self._parts, self._drain = parts, drain
        self._calls: Calls | None = None
        self._listening = 0  # switchboards that bring calls
        self._failure: Exception | None = None
        self._refusals = Ration(
            per_second=TOLD_PER_SECOND, burst=TOLD_BURST, now_s=parts.clock.now()
        )

    @property
    def readiness(self) -> Readiness:
        """How it stands."""
        engine, calls, boards = self._parts.engine, self._calls, self._parts.switchboards
        return Readiness(
            listening=self._listening == len(boards) and all(board.up for board in boards),
            warm=engine.warm,
            draining=self._drain.begun.is_set(),
            free=self._free,
            calls=0 if calls is None else len(calls),
        )

    @property
    def spec(self) -> EngineSpec:
        """Of the engine. Raises ``BotError`` before it has started."""
        return self._parts.engine.spec

    @property
    def switchboards(self) -> Sequence[Switchboard]:
        """Where its calls come from."""
        return self._parts.switchboards

    @property
    def bus(self) -> EventBus:
        """What its calls note."""
        return self._parts.bus

    @property
    def telemetry(self) -> Telemetry:
        """What it counts."""
        return self._parts.telemetry

    def live(self) -> list[dict[str, Any]]:
        """What ``call.json`` will begin with, of every call that is up."""
        return [] if self._calls is None else [call.so_far() for call in self._calls.live()]

    def hang_up(self, call_id: str) -> bool:
        """End a call that is up, outcome ``hung-up``; whether there is one of that id."""
        return self._calls is not None and self._calls.hang_up(call_id)

    async def dial(self, uri: str) -> str:
        """Call a SIP URI: the id of the call, which goes out now. Raises ``NotDialled``."""
        outbound, calls, now = self._parts.outbound, self._calls, self.readiness
        if outbound is None:
            raise NotDialled(409, "nothing is dialled: there is no line for it")
        outbound.check(uri)
        if calls is None or now.why:
            why = f"no call can be made now: {now.why}"
            raise NotDialled(503, why, retry_after_s=FULL_RETRY_S)
        # Up to here nothing has waited: the seat that was free still is.
        offer = outbound.offer(uri)
        make = functools.partial(outbound.desk.call, offer.leg(), route=0)
        calls.start(offer, route=OURS, make=make)
        return await offer.name

    async def serve(self, *, listening: Callable[[], None]) -> None:
        """Run until drained; ``listening`` is called once calls are taken.

        Raises ``BotError`` if the engine cannot start, ``LegError`` if a switchboard cannot, or
        what a switchboard broke with later, after the calls that were up have ended.
        """
        parts = self._parts
        async with AsyncExitStack() as undo:
            parts.writer.start()
            undo.callback(parts.writer.stop)
            undo.push_async_callback(parts.engine.close)
            if await first_of(self._drain.begun.wait(), parts.engine.start()) == 0:
                return
            for switchboard in parts.switchboards:
                undo.push_async_callback(switchboard.close)
                await switchboard.start()
            self._listening = len(parts.switchboards)
            listening()
            await self._take_calls()
        if self._failure is not None:
            raise self._failure

    async def _take_calls(self) -> None:
        parts = self._parts
        async with asyncio.TaskGroup() as group:
            self._calls = calls = Calls(
                group, bus=parts.bus, telemetry=parts.telemetry, kept=parts.kept
            )
            standing = [group.create_task(parts.engine.run())]
            for switchboard in parts.switchboards:
                standing.append(group.create_task(self._take(switchboard, calls)))
            await self._drain.begun.wait()
            await self._let_end(calls)
            for task in standing:
                task.cancel()

    async def _take(self, switchboard: Switchboard, calls: Calls) -> None:
        try:
            async for offer in switchboard.offers():
                await self._judge_safely(offer, calls)
        except Exception as error:  # it brings no more calls; those that are up may end in order
            logger.error("no more calls: %s", error)
            self._failure = self._failure or error
            if not self._drain.begun.is_set():
                self._drain.ask()
        finally:
            self._listening -= 1

    async def _judge_safely(self, offer: Offer, calls: Calls) -> None:
        try:
            await self._judge(offer, calls)
        except Exception:  # of this offer alone
            logger.exception("an offer of %s: unexpected", offer.source)
            await refuse(offer, 500)

    async def _judge(self, offer: Offer, calls: Calls) -> None:
        """Admit or refuse. Between the verdict and the call's being counted nothing waits."""
        parts = self._parts
        caller, callee = offer.facts.get("caller", ""), offer.facts.get("callee", "")
        place = parts.routes.find(callee)
        load = Load(
            warm=parts.engine.warm,
            draining=self._drain.begun.is_set(),
            free=self._free,
            half_open=calls.half_open,
            on_route=0 if place is None else calls.on_route(place),
        )
        verdict = parts.admission.decide(
            offer.source,
            route=None if place is None else parts.routes[place],
            load=load,
            now_s=parts.clock.now(),
        )
        if isinstance(verdict, Refuse):
            parts.telemetry.refuse(verdict.reason)
            self._tell(refusal_line(verdict, source=offer.source, caller=caller, callee=callee))
            await refuse(
                offer, verdict.code, reason=verdict.reason, retry_after_s=verdict.retry_after_s
            )
            return
        assert place is not None  # a call without a route is never accepted
        make = functools.partial(parts.desk.call, offer.leg(), route=place)
        calls.start(offer, route=place, make=make)

    def _tell(self, refusal: str) -> None:
        """One line for each refusal, so long as they do not come in a flood."""
        kept_back = self._refusals.take(self._parts.clock.now())
        if kept_back is None:
            return
        if kept_back:
            logger.warning("refused %d more, not told one by one", kept_back)
        logger.warning("%s", refusal)

    async def _let_end(self, calls: Calls) -> None:
        """Wait for the calls that are up, for so long as they may; then end them."""
        if len(calls):
            logger.info("stopping: %d up, for %g s at most", len(calls), self._parts.drain_s)
        hurried = self._drain.hurried.wait()
        await first_of(calls.until_none(), hurried, timeout_s=self._parts.drain_s)
        await calls.stop()

    @property
    def _free(self) -> int:
        """Seats that no admitted call will take."""
        seatless = 0 if self._calls is None else self._calls.seatless
        return max(0, self._parts.engine.free - seatless)

"""The calls that are up, each a task of its own, and how many there are of what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from gateway.bus import EventBus
from gateway.call import Call
from gateway.desk import Watch
from gateway.offers import Offer
from gateway.outcome import HUNG_UP, outcome_of
from gateway.telemetry import Telemetry
from media.errors import ParleyError
from media.timeline import Entry

logger = logging.getLogger(__name__)
REJECT_S = 2.0  # a switchboard that does not take a refusal within this is left alone


class MakeCall(Protocol):
    """Makes the call of an offer; ``watch`` is to see its facts."""

    def __call__(self, *, watch: Watch) -> Call:
        """A call that has not begun."""


class Stage(StrEnum):
    """How far a call has got, as admission counts it."""

    ADMITTED = "admitted"  # has no seat yet
    WARMING = "warming"  # has one, is not answered
    TALKING = "talking"
    OVER = "over"  # hung up; only its files are being finished


_STAGES = {"offer": Stage.WARMING, "answer": Stage.TALKING, "outcome": Stage.OVER}


class _Running:
    def __init__(self, route: int, *, bus: EventBus, telemetry: Telemetry) -> None:
        self.route, self.stage = route, Stage.ADMITTED
        self.task: asyncio.Task[None] | None = None
        self.call: Call | None = None
        self._bus, self._telemetry = bus, telemetry

    def watch(self, entry: Entry) -> None:
        # A call takes its seat in the same breath in which it notes its offer: between this and
        # the seat's being taken there is no await, so each call is counted exactly once.
        self.stage = _STAGES.get(entry.type, self.stage)
        self._telemetry.fact(entry)
        if self.call is not None:
            self._bus.publish(self.call.id, entry)


class Calls:
    """Starts calls in ``group``, which none of them can harm; tells what they note.

    ``kept`` is given the id of each recorded call once it is over; it returns at once.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        *,
        bus: EventBus,
        telemetry: Telemetry,
        kept: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._group, self._bus, self._telemetry, self._kept = group, bus, telemetry, kept
        self._running: list[_Running] = []
        self._none = asyncio.Event()
        self._none.set()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def seatless(self) -> int:
        """Admitted calls that have not taken their seat yet."""
        return self._count(Stage.ADMITTED)

    @property
    def half_open(self) -> int:
        """Admitted calls that are not answered yet."""
        return self._count(Stage.ADMITTED) + self._count(Stage.WARMING)

    def on_route(self, route: int) -> int:
        """Calls of a route whose caller is still there."""
        return sum(r.route == route and r.stage is not Stage.OVER for r in self._running)

    def start(self, offer: Offer, *, route: int, make: MakeCall) -> None:
        """Let an admitted offer ring, and be a call until it is over. Returns at once."""
        running = _Running(route, bus=self._bus, telemetry=self._telemetry)
        self._running.append(running)
        self._none.clear()
        running.task = self._group.create_task(self._run(offer, running, make))
        running.task.add_done_callback(lambda _: self._forget(running))

    def live(self) -> list[Call]:
        """Those that have a name, until all their files are there."""
        return [running.call for running in self._running if running.call is not None]

    def hang_up(self, call_id: str) -> bool:
        """End one, outcome ``hung-up``; whether it is up. Returns before it has ended."""
        for running in self._running:
            call, task = running.call, running.task
            if call is None or task is None or call.id != call_id:
                continue
            # Once: a second cancellation would disturb a call that is ending in order.
            if running.stage is not Stage.OVER and call.ends_as is not HUNG_UP:
                call.ends_as = HUNG_UP
                task.cancel()
            return True
        return False

    async def until_none(self) -> None:
        """Wait until no call is up."""
        await self._none.wait()

    async def stop(self) -> None:
        """End all of them, outcome ``gateway/stopped``; returns when they have ended."""
        tasks = [running.task for running in self._running if running.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, offer: Offer, running: _Running, make: MakeCall) -> None:
        call: Call | None = None
        try:
            await offer.ring()
            running.call = call = make(watch=running.watch)
            offer.named(call.id)
            logger.info("call %s: from %s", call.id, offer.source)
            outcome = await call.run()
            logger.info("call %s: %s", call.id, outcome)
        except Exception as error:  # of this call alone
            name = "an offer" if call is None else f"call {call.id}"
            if call is not None:  # it ended before there was anything to note
                outcome = outcome_of(error)
                self._telemetry.end(str(outcome.fault), outcome.reason)
            if isinstance(error, ParleyError):
                logger.error("%s: %s", name, error)
            else:
                logger.exception("%s: unexpected", name)
            if call is None:
                await refuse(offer, 500)
        except asyncio.CancelledError:
            if call is None:
                await refuse(offer, 503)
            else:
                logger.info("call %s: %s", call.id, call.ends_as)
            raise
        finally:
            if call is not None:
                self._telemetry.over(gaps=call.gaps, steps_ms=call.steps_ms, waits_ms=call.waits_ms)
                if call.folder is not None:
                    self._kept(call.id)

    def _count(self, stage: Stage) -> int:
        return sum(running.stage is stage for running in self._running)

    def _forget(self, running: _Running) -> None:
        self._running.remove(running)
        if not self._running:
            self._none.set()


async def refuse(
    offer: Offer, code: int, *, reason: str = "", retry_after_s: int | None = None
) -> None:
    """Reject an offer; what goes wrong with that is no matter of other calls."""
    try:
        async with asyncio.timeout(REJECT_S):
            await offer.reject(code, reason=reason, retry_after_s=retry_after_s)
    except Exception as error:
        logger.warning("refusing %s: %s", offer.source, str(error) or type(error).__name__)

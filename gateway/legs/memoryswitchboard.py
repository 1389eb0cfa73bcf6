"""A switchboard of scripted callers: they call in at given times, from given addresses.

Tests, samples and load runs serve it where a real gateway serves SIP; it is product code.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import CallerGone
from gateway.legs.base import Leg, LegEvent
from gateway.legs.memory import Deed, Line, MemoryLeg
from gateway.offers import Offer
from gateway.outcome import Outcome
from media.clock import Clock
from media.playout import FrameSource


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls ``callee`` from ``source`` at ``at_s``; once answered, does ``deeds``.

    ``patience_s``: gives up if it is not answered after that long.
    """

    at_s: float
    deeds: Sequence[Deed] = ()
    callee: str = "100"
    number: str = "200"
    source: str = "127.0.0.1"
    patience_s: float | None = None
    line: Line = field(default_factory=Line)


@dataclass(frozen=True, slots=True)
class Rejection:
    """How an offer was refused."""

    code: int
    reason: str
    retry_after_s: int | None


class MemoryOffer:
    """One caller at the door. What was done to it stays readable."""

    def __init__(self, caller: Caller, *, clock: Clock) -> None:
        self.caller = caller
        self.facts: Mapping[str, str] = {
            "leg": "memory",
            "codec": "PCMU/8000",
            "caller": caller.number,
            "callee": caller.callee,
        }
        self.source = caller.source
        self.rang = False
        self.rejection: Rejection | None = None
        self._leg = _PatientLeg(caller, facts=self.facts, clock=clock)

    @property
    def answered(self) -> bool:
        """Whether the call was taken."""
        return self._leg.answered

    @property
    def outcome(self) -> Outcome | None:
        """How the gateway ended the call, if it did."""
        return self._leg.outcome

    async def ring(self) -> None:
        """Let it ring."""
        self.rang = True

    async def reject(
        self, code: int, *, reason: str = "", retry_after_s: int | None = None
    ) -> None:
        """Refuse the caller."""
        self.rejection = Rejection(code, reason, retry_after_s)

    def named(self, call_id: str) -> None:
        """The call that it has become."""

    def leg(self) -> Leg:
        """The caller's leg."""
        return self._leg


class _PatientLeg:
    """A scripted caller who may give up before it is answered."""

    def __init__(self, caller: Caller, *, facts: Mapping[str, str], clock: Clock) -> None:
        self._inner = MemoryLeg(caller.deeds, clock=clock, line=caller.line, facts=facts)
        self._arrived, self._patience_s, self._clock = clock.now(), caller.patience_s, clock
        self.answered = False
        self.outcome: Outcome | None = None

    @property
    def rate(self) -> int:
        return self._inner.rate

    @property
    def facts(self) -> Mapping[str, str]:
        return self._inner.facts

    @property
    def figures(self) -> Mapping[str, Any]:
        return self._inner.figures

    def events(self) -> AsyncIterator[LegEvent]:
        return self._inner.events()

    async def answer(self, source: FrameSource) -> None:
        """Raises ``CallerGone`` if the caller has given up."""
        waited_s = self._clock.now() - self._arrived
        if self._patience_s is not None and waited_s > self._patience_s:
            raise CallerGone(leg="memory", why="the caller gave up")
        self.answered = True
        await self._inner.answer(source)

    async def hangup(self, outcome: Outcome) -> None:
        self.outcome = self.outcome or outcome
        await self._inner.hangup(outcome)


class MemorySwitchboard:
    """Callers in the order of their times; ``offers`` keeps all offers that came."""

    def __init__(self, callers: Iterable[Caller], *, clock: Clock) -> None:
        self._callers = sorted(callers, key=lambda caller: caller.at_s)
        self._clock = clock
        self._closed = asyncio.Event()
        self.came: list[MemoryOffer] = []
        self.started = False

    @property
    def up(self) -> bool:
        """Whether callers come."""
        return self.started and not self.closed

    @property
    def closed(self) -> bool:
        """Whether it takes no more calls."""
        return self._closed.is_set()

    async def start(self) -> None:
        """From now on ``at_s`` counts."""
        self.started = True
        self._began = self._clock.now()

    async def offers(self) -> AsyncIterator[Offer]:
        """Callers as they come; then nobody, until ``close``."""
        for caller in self._callers:
            await self._clock.sleep_until(self._began + caller.at_s)
            if self.closed:
                return
            offer = MemoryOffer(caller, clock=self._clock)
            self.came.append(offer)
            yield offer
        await self._closed.wait()

    async def close(self) -> None:
        """Nobody comes any more."""
        self._closed.set()

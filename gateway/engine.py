"""The engine of a serving gateway: one after another, should one break.

A stepper is good for one life of its engine. This one outlives them: what breaks an engine ends
the calls on it, with the error they are told, and a new engine is started after a pause.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from bot.batch import RowResult
from bot.engine import EngineSpec, SessionOptions
from bot.errors import BotError, EngineFault
from bot.stepper import Deliver, Seat, Stepper
from gateway.backoff import Backoff
from media.clock import Clock

logger = logging.getLogger(__name__)
LOOK_S = 1.0  # an engine without calls has nobody to tell that it broke


class SupervisedEngine:
    """A ``Stepper`` whose engine is started anew when it breaks. ``run`` must run for that."""

    def __init__(self, make: Callable[[], Stepper], *, name: str, clock: Clock) -> None:
        self._make, self._name, self._clock = make, name, clock
        self._now: Stepper | None = None
        self._spec: EngineSpec | None = None
        self._born_s = 0.0
        self._told = asyncio.Event()
        self._rehearsals: tuple[SessionOptions, ...] = ()
        self.restarts = 0  # engines that were started in another's place

    def rehearse(self, calls: Sequence[SessionOptions]) -> None:
        """From the next engine on, each takes these calls once before it is warm.

        What an engine makes once for a persona is then there when the first caller comes: of the
        embedded bot that caller would have to wait for 1.5 s (measured), as its index is made.
        """
        self._rehearsals = tuple(calls)

    @property
    def spec(self) -> EngineSpec:
        """Of the engine, or of the last one: all are made alike."""
        if self._spec is None:
            raise EngineFault(engine=self._name, why="not started")
        return self._spec

    @property
    def free(self) -> int:
        """Seats without a tenant; 0 while there is no engine."""
        return self._now.free if self.warm and self._now is not None else 0

    @property
    def warm(self) -> bool:
        """Whether there is an engine, started and well."""
        return self._now is not None and self._now.fault is None

    @property
    def fault(self) -> BotError | None:
        """Why there is no engine now."""
        if self._now is None:
            return EngineFault(engine=self._name, why="is being started")
        return self._now.fault

    async def start(self) -> None:
        """Start the first engine. Raises ``BotError``: what cannot start once is for a person."""
        engine = self._make()
        try:
            await engine.start()
            for options in self._rehearsals:
                (await engine.open(options, _unheard)).close()
        except BaseException:
            await engine.close()
            raise
        self._now, self._spec, self._born_s = engine, engine.spec, self._clock.now()

    async def run(self) -> None:
        """Watch over the engine until cancelled."""
        backoff = Backoff()
        while True:
            fault = await self._broken()
            await self._bury()
            ran_s = self._clock.now() - self._born_s
            while True:
                wait_s = backoff.after(ran_s)
                logger.error("%s; starting it anew in %.1f s", fault, wait_s)
                await asyncio.sleep(wait_s)
                try:
                    await self.start()
                except Exception as error:  # whatever it is, the next attempt may go better
                    fault, ran_s = error, 0.0
                    continue
                self.restarts += 1
                logger.warning("engine %s: runs again", self._name)
                break

    async def open(self, options: SessionOptions, deliver: Deliver) -> Seat:
        """Take a seat at the engine of now. Raises ``NoFreeSlot``, ``BotError``."""
        engine = self._now
        if engine is None:
            raise EngineFault(engine=self._name, why="is being started")

        ended = False

        def told(result: RowResult | BotError) -> None:
            nonlocal ended
            if ended:
                return  # it knows what broke; that the engine is then stopped is no news
            deliver(result)
            if isinstance(result, BotError):
                ended = True
                self._told.set()

        try:
            return await engine.open(options, told)
        except BotError:
            self._told.set()  # perhaps the engine's end, perhaps this call's alone: go and look
            raise

    async def close(self) -> None:
        """Stop the engine; every seat still taken is told. May be called twice."""
        await self._bury()

    async def _broken(self) -> Exception:
        """Wait for the engine's end; returns what it was."""
        while self.warm:
            self._told.clear()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._told.wait()
            except TimeoutError:
                continue
        return self.fault or EngineFault(engine=self._name, why="gone")

    async def _bury(self) -> None:
        engine, self._now = self._now, None
        if engine is not None:
            await engine.close()


def _unheard(result: RowResult | BotError) -> None:
    """Nobody is there."""

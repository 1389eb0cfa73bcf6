"""The one ordered stream of a leg that is told what happens, and when it is over.

Legs that make their events themselves (memory, replay) need none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.errors import CallerGone, LegError
from gateway.legs.base import LegEvent

WAITING = 1_000  # events: ten seconds of packets that the call did not take


class LegStream:
    """One reader. ``leg`` is the kind, for errors."""

    def __init__(self, *, leg: str) -> None:
        self._leg = leg
        self._events: asyncio.Queue[LegEvent | LegError | None] = asyncio.Queue()
        self.over = False
        self.error: LegError | None = None  # the first thing that broke

    def put(self, event: LegEvent) -> None:
        """It happened; of no interest after the end, or once something broke."""
        if self.over or self.error is not None:
            return
        if self._events.qsize() >= WAITING:
            self.fail(LegError(leg=self._leg, why="the call does not keep up with its packets"))
            return
        self._events.put_nowait(event)

    def fail(self, error: LegError) -> None:
        """The call cannot go on, but the far end is there, and has to be told."""
        if not self.over and self.error is None:
            self.error = error
            self._events.put_nowait(error)

    def end(self, error: LegError | None = None) -> bool:
        """The far end is gone, by ``error`` if anything broke; whether that is news."""
        if self.over:
            return False
        self.over, self.error = True, self.error or error
        self._events.put_nowait(error)
        return True

    async def read(self) -> AsyncIterator[LegEvent]:
        """All that was put, until the end. Raises the error."""
        while (event := await self._events.get()) is not None:
            if isinstance(event, LegError):
                raise event
            yield event

    def raise_if_over(self) -> None:
        """Raises what broke; ``CallerGone`` if nothing did and the far end is gone."""
        if self.error is not None:
            raise self.error
        if self.over:
            raise CallerGone(leg=self._leg, why="the call is over")

"""A call's events on its caller's own data channel, as they are noted."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from gateway.bus import EventBus, with_call_id
from gateway.outcome import Outcome
from media.clock import Clock
from media.timeline import Entry, encode

BACKLOG = 1 << 16  # bytes that may wait in the channel; more wait in the bus, which drops
PAUSE_S = 0.05  # between two looks at a channel that is full
LAST_S = 0.3  # for the last words to go out


class Channel(Protocol):
    """What is needed of ``webrtcpeer.Peer``."""

    @property
    def untold(self) -> int: ...

    def tell(self, text: str, *, backlog: int) -> bool: ...


class Telling:
    """From ``__init__`` on events are kept for the channel, from ``start`` on they are sent."""

    def __init__(self, bus: EventBus, *, call_id: str, clock: Clock) -> None:
        self._call_id, self._clock = call_id, clock
        self._events = bus.subscribe(call_id=call_id)
        self._channel: Channel | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def dropped(self) -> int:
        """Events that the page was too slow for."""
        return self._events.dropped

    def start(self, channel: Channel) -> None:
        """There is a channel, or soon will be."""
        self._channel = channel
        self._task = asyncio.get_running_loop().create_task(self._run(channel))

    async def finish(self, outcome: Outcome, *, at: int) -> None:
        """Send what waits and how the call ended, for as long as that may take; then no more.

        A second time it does nothing.
        """
        self._events.close()
        task, channel, self._task = self._task, self._channel, None
        if task is None or channel is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                await task
                data = {"fault": str(outcome.fault), "reason": outcome.reason}
                line = with_call_id(encode(Entry(at, "outcome", data)), self._call_id)
                channel.tell(line, backlog=BACKLOG)
                while channel.untold:
                    await self._pause()
        task.cancel()

    async def _run(self, channel: Channel) -> None:
        async for event in self._events:
            while not channel.tell(event.line(), backlog=BACKLOG):
                await self._pause()

    async def _pause(self) -> None:
        await self._clock.sleep_until(self._clock.now() + PAUSE_S)

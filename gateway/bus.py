"""What calls note, told to whoever listens: pages, monitors, a caller's own browser.

A call must never wait for a listener. Publishing therefore is synchronous and cannot fail, and a
listener that does not keep up loses the oldest events, which are counted.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass

from media.timeline import Entry, encode

LIMIT = 256  # events kept for one listener: half a minute of a call in which both talk


@dataclass(frozen=True, slots=True)
class Event:
    """One fact of one call."""

    call_id: str
    entry: Entry

    def line(self) -> str:
        """The line of the timeline as ``docs/timeline.md`` has it, and ``call_id``."""
        return with_call_id(encode(self.entry), self.call_id)


def with_call_id(line: str, call_id: str) -> str:
    """A line of a timeline, a JSON object, with one more field at its end."""
    return f'{line[:-1]},"call_id":{json.dumps(call_id)}}}'


class Subscription:
    """Events in their order, from ``subscribe`` on; a context that ends it. One reader."""

    def __init__(self, bus: EventBus, *, call_id: str | None, limit: int) -> None:
        self._bus, self._call_id = bus, call_id
        self._waiting: deque[Event] = deque(maxlen=limit)
        self._changed = asyncio.Event()
        self._closed = False
        self.dropped = 0  # events that this listener was too slow for

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self, event: Event) -> bool:
        """For the bus: keep it, if it is of a call listened to. Whether another was lost for it."""
        if self._closed or self._call_id not in (None, event.call_id):
            return False
        lost = len(self._waiting) == self._waiting.maxlen
        self.dropped += lost
        self._waiting.append(event)
        self._changed.set()
        return lost

    def close(self) -> None:
        """Nothing more comes; what waits can still be read. May be called twice."""
        self._closed = True
        self._changed.set()
        self._bus.forget(self)


class EventBus:
    """One for a process; used on its loop alone."""

    def __init__(self) -> None:
        self._listening: list[Subscription] = []
        self._closed = False
        self.dropped = 0  # events lost to listeners, all together

    def __len__(self) -> int:
        """Listeners."""
        return len(self._listening)

    def publish(self, call_id: str, entry: Entry) -> None:
        """Tell it to all who listen. Returns at once and never raises."""
        if not self._listening:
            return
        event = Event(call_id, entry)
        for subscription in self._listening:
            self.dropped += subscription.take(event)

    def subscribe(self, *, call_id: str | None = None, limit: int = LIMIT) -> Subscription:
        """Listen to one call, or to all; ``limit`` events at most wait to be read.

        Of a bus that is closed it is a subscription that is over.
        """
        subscription = Subscription(self, call_id=call_id, limit=limit)
        if self._closed:
            subscription.close()
        else:
            self._listening.append(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """For a subscription that ends."""
        if subscription in self._listening:
            self._listening.remove(subscription)

    def close(self) -> None:
        """End every subscription. May be called twice."""
        self._closed = True
        for subscription in tuple(self._listening):
            subscription.close()

"""What a page is told of its call, and that a page that listens to nothing holds nothing up."""

from __future__ import annotations

import asyncio
import json

from gateway.bus import EventBus
from gateway.legs.webrtctelling import LAST_S, Telling
from gateway.outcome import CALLER_LEFT
from media.clock import LoopClock
from media.timeline import Entry


class Page:
    """A channel; ``open`` is whether it takes anything."""

    def __init__(self) -> None:
        self.open, self.untold = True, 0
        self.told: list[str] = []

    def tell(self, text: str, *, backlog: int) -> bool:
        if self.open:
            self.told.append(json.loads(text)["type"])
        return self.open


def telling(bus: EventBus) -> tuple[Telling, LoopClock]:
    clock = LoopClock(asyncio.get_running_loop())
    return Telling(bus, call_id="c", clock=clock), clock


async def test_all_is_told_in_order_and_the_outcome_last() -> None:
    bus, page = EventBus(), Page()
    one, _ = telling(bus)
    bus.publish("c", Entry(0, "offer", {}))
    one.start(page)
    bus.publish("other", Entry(1, "answer", {}))
    bus.publish("c", Entry(2, "answer", {}))
    await one.finish(CALLER_LEFT, at=5)
    assert page.told == ["offer", "answer", "outcome"]
    assert len(bus) == 0


async def test_a_page_that_takes_nothing_is_not_waited_for_and_may_be_left_twice() -> None:
    bus, page = EventBus(), Page()
    one, clock = telling(bus)
    page.open = False
    bus.publish("c", Entry(0, "offer", {}))
    one.start(page)
    begun = clock.now()
    await one.finish(CALLER_LEFT, at=5)
    await one.finish(CALLER_LEFT, at=5)  # as when the gateway stops after the call has ended
    assert clock.now() - begun <= 2 * LAST_S
    assert page.told == []

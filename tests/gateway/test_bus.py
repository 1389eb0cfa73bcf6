"""Listeners hear everything in order, and no listener can hold up a call."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.bus import Event, EventBus, Subscription
from media.timeline import Entry


def key(number: int) -> Entry:
    return Entry(number, "digit", {"key": str(number % 10)})


async def heard(subscription: Subscription) -> list[tuple[str, int]]:
    subscription.close()
    return [(event.call_id, event.entry.at) async for event in subscription]


async def test_each_hears_what_it_listens_to_from_when_it_listens() -> None:
    bus = EventBus()
    bus.publish("a", key(0))
    everything, only_b = bus.subscribe(), bus.subscribe(call_id="b")
    assert len(bus) == 2
    for number, call in enumerate("abab", 1):
        bus.publish(call, key(number))
    assert await heard(everything) == [("a", 1), ("b", 2), ("a", 3), ("b", 4)]
    assert await heard(only_b) == [("b", 2), ("b", 4)]
    assert len(bus) == bus.dropped == 0
    bus.publish("a", key(5))


async def test_who_is_slow_loses_the_oldest_and_nobody_else_does() -> None:
    bus = EventBus()
    slow, quick = bus.subscribe(limit=2), bus.subscribe(limit=9)
    for number in range(5):
        bus.publish("a", key(number))
    assert (slow.dropped, quick.dropped, bus.dropped) == (3, 0, 3)
    assert await heard(slow) == [("a", 3), ("a", 4)]
    assert len(await heard(quick)) == 5


async def test_a_reader_waits_for_the_next_and_may_give_up_waiting() -> None:
    bus = EventBus()
    with bus.subscribe() as subscription:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(subscription)
        waiting = asyncio.ensure_future(anext(subscription))
        await asyncio.sleep(0)
        assert not waiting.done()
        bus.publish("a", key(1))
        assert (await waiting).entry.at == 1
    assert len(bus) == 0
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)


async def test_a_bus_that_closes_ends_all_and_takes_no_more() -> None:
    bus = EventBus()
    waiting = asyncio.ensure_future(anext(bus.subscribe()))
    await asyncio.sleep(0)
    bus.close()
    bus.close()
    with pytest.raises(StopAsyncIteration):
        await waiting
    with pytest.raises(StopAsyncIteration):
        await anext(bus.subscribe())


def test_an_event_is_the_line_of_the_timeline_and_its_call() -> None:
    event = Event("20260102T030405Z-000001", Entry(1280, "digit", {"key": "5"}))
    line = '{"v":1,"at":1280,"type":"digit","key":"5","call_id":"20260102T030405Z-000001"}'
    assert event.line() == line
    assert json.loads(Event('a"b', Entry(0, "answer")).line())["call_id"] == 'a"b'

"""One tick a packet, on an absolute schedule."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from gateway.legs.pace import PACKET_S, SLOT_S, next_slot, ticks
from media.clock import LoopClock


async def test_ticks_come_every_20_ms_without_drift() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async for tick in ticks(LoopClock(loop)):
        assert abs(loop.time() - began - tick * 0.02) < 1e-6
        if tick == 30_000:  # ten minutes
            break


async def test_a_late_tick_does_not_delay_the_ones_after_it() -> None:
    loop = asyncio.get_running_loop()
    seen = []
    expected = count()
    async for tick in ticks(LoopClock(loop)):
        assert tick == next(expected)
        seen.append(round(loop.time(), 6))
        if tick == 2:
            await asyncio.sleep(0.05)  # whoever takes the ticks was busy
        if tick == 6:
            break
    assert seen == [0.0, 0.02, 0.04, 0.09, 0.09, 0.1, 0.12]


async def test_others_go_on_between_ticks_that_come_in_a_row() -> None:
    loop = asyncio.get_running_loop()
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(len(turns))
            await asyncio.sleep(0)

    missed: list[int] = []
    task: asyncio.Task[None] | None = None
    async for tick in ticks(LoopClock(loop)):
        if tick == 0:
            await asyncio.sleep(1.0)  # whoever takes the ticks was busy
            task = loop.create_task(other())
        elif tick == 50:
            break
        else:
            missed.append(len(turns))
    assert task is not None
    task.cancel()
    assert missed == sorted(set(missed)), "nobody else had a turn between two ticks"


async def test_calls_that_share_a_slot_tick_together() -> None:
    assert [next_slot(now) for now in (0.0, 0.0049, 0.0051)] == [0.0, SLOT_S, 2 * SLOT_S]
    loop = asyncio.get_running_loop()
    clock = LoopClock(loop)
    seen = []
    for _ in range(2):
        await asyncio.sleep(0.001)
        async for tick in ticks(clock, began=next_slot(clock.now())):
            seen.append(loop.time())
            if tick == 1:
                break
    assert seen[1] - seen[0] == pytest.approx(PACKET_S)
    slots = (seen[2] - seen[0]) / SLOT_S
    assert slots == pytest.approx(round(slots), abs=1e-6)

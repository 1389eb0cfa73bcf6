"""An engine that outlives its engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest

from bot.batch import RowResult
from bot.engine import EngineSpec, SessionOptions
from bot.errors import BotError, EngineFault, NoFreeSlot
from bot.stepper import Deliver, Seat
from gateway.backoff import FIRST_S, MOST_S, WELL_S, Backoff
from gateway.engine import LOOK_S, SupervisedEngine
from media.clock import LoopClock

OPTIONS = SessionOptions()


class Taken:
    def __init__(self, leave: Callable[[], None]) -> None:
        self.close = leave

    def submit(self, frame: object) -> None:
        """Nothing."""


class Fake:
    """A stepper that breaks when it is told to."""

    def __init__(self, *, starts: bool = True) -> None:
        self.starts, self.closed = starts, 0
        self.fault: BotError | None = None
        self.tenants: list[Deliver] = []
        self.took: list[SessionOptions] = []
        self.spec = EngineSpec("fake", width=2)

    @property
    def free(self) -> int:
        return 2 - len(self.tenants)

    async def start(self) -> None:
        if not self.starts:
            raise EngineFault(engine="fake", why="does not start")

    async def open(self, options: SessionOptions, deliver: Deliver) -> Seat:
        if not self.free:
            raise NoFreeSlot(engine="fake", width=2)
        self.tenants.append(deliver)
        self.took.append(options)
        return Taken(lambda: self.tenants.remove(deliver))

    async def close(self) -> None:
        self.closed += 1
        for deliver in self.tenants:
            deliver(EngineFault(engine="fake", why="stopped"))

    def break_down(self) -> None:
        self.fault = EngineFault(engine="fake", why="broke")
        for deliver in self.tenants:
            deliver(self.fault)


@asynccontextmanager
async def supervised(fakes: Iterable[Fake]) -> AsyncIterator[SupervisedEngine]:
    following = iter(fakes)
    clock = LoopClock(asyncio.get_running_loop())
    engine = SupervisedEngine(lambda: next(following), name="fake", clock=clock)
    async with asyncio.TaskGroup() as group:
        await engine.start()
        task = group.create_task(engine.run())
        yield engine
        task.cancel()
    await engine.close()


async def test_before_its_start_there_is_nothing_to_be_had() -> None:
    engine = SupervisedEngine(Fake, name="fake", clock=LoopClock(asyncio.get_running_loop()))
    assert (engine.warm, engine.free) == (False, 0)
    with pytest.raises(EngineFault, match="not started"):
        engine.spec  # noqa: B018
    with pytest.raises(EngineFault, match="is being started"):
        await engine.open(OPTIONS, lambda _: None)


async def test_what_cannot_start_once_is_told_and_closed() -> None:
    fake = Fake(starts=False)
    engine = SupervisedEngine(lambda: fake, name="f", clock=LoopClock(asyncio.get_running_loop()))
    with pytest.raises(EngineFault, match="does not start"):
        await engine.start()
    assert fake.closed == 1


async def test_a_fault_reaches_its_calls_once_and_a_new_engine_comes() -> None:
    first, broken, third = Fake(), Fake(starts=False), Fake()
    heard: list[RowResult | BotError] = []
    async with supervised([first, broken, third]) as engine:
        await engine.open(OPTIONS, heard.append)
        assert engine.free == 1
        first.break_down()
        assert (engine.warm, engine.free) == (False, 0)
        await asyncio.sleep(FIRST_S / 2)
        assert heard == [first.fault]
        assert first.closed == 1
        assert engine.spec.name == "fake"
        with pytest.raises(EngineFault):
            await engine.open(OPTIONS, heard.append)
        await asyncio.sleep(FIRST_S)  # the second does not start
        assert (engine.warm, engine.restarts, broken.closed) == (False, 0, 1)
        await asyncio.sleep(2 * FIRST_S)
        assert (engine.warm, engine.restarts, engine.free) == (True, 1, 2)
    assert third.closed == 1


async def test_an_engine_without_calls_is_missed_too() -> None:
    first = Fake()
    async with supervised([first, Fake()]) as engine:
        first.break_down()
        await asyncio.sleep(LOOK_S + FIRST_S + 0.01)
        assert engine.restarts == 1


async def test_a_call_that_gets_no_seat_is_no_fault_of_the_engine() -> None:
    async with supervised([Fake()]) as engine:
        for _ in range(2):
            await engine.open(OPTIONS, lambda _: None)
        with pytest.raises(NoFreeSlot):
            await engine.open(OPTIONS, lambda _: None)
        await asyncio.sleep(10 * LOOK_S)
        assert (engine.warm, engine.restarts) == (True, 0)


def test_pauses_double_and_begin_anew_after_a_long_run() -> None:
    backoff = Backoff()
    pauses = [backoff.after(0.0) for _ in range(9)]
    assert pauses[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert pauses[-1] == MOST_S
    assert backoff.after(WELL_S) == FIRST_S


async def test_every_engine_takes_the_rehearsals_before_it_is_warm() -> None:
    first, second = Fake(), Fake()
    calls = [SessionOptions(persona_name="day"), SessionOptions(persona_name="night")]
    following = iter([first, second])
    clock = LoopClock(asyncio.get_running_loop())
    engine = SupervisedEngine(lambda: next(following), name="fake", clock=clock)
    engine.rehearse(calls)
    await engine.start()
    watch = asyncio.create_task(engine.run())
    assert first.took == calls
    assert engine.free == 2
    first.break_down()
    await asyncio.sleep(LOOK_S + FIRST_S + 1)
    assert second.took == calls
    assert engine.warm
    watch.cancel()
    await asyncio.wait([watch])

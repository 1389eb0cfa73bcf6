"""The live stepper: a real process, frames there and results back, and every way it can die."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from bot.batch import RowResult
from bot.engine import SessionOptions
from bot.engines import EngineChoice, build
from bot.engines.scripted import Say, Script
from bot.errors import BotError, EngineFault, NoFreeSlot
from bot.scheduler import Frame
from bot.worker import Build, WorkerStepper
from media.frame import STEP
from tests.bot import fakes

pytestmark = pytest.mark.live
MOST_S = 30.0  # a spawned process imports NumPy on a busy machine
FAULT_S = 2.0  # what a call may wait until it learns that its engine is gone


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spawned process finds ``tests.bot.fakes`` wherever the tests are started."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2]))


@asynccontextmanager
async def running(build_engine: Build, *, name: str = "e") -> AsyncIterator[WorkerStepper]:
    stepper = WorkerStepper(build_engine, name=name)
    try:
        async with asyncio.timeout(MOST_S):
            await stepper.start()
            yield stepper
    finally:
        await stepper.close()


class Mailbox:
    """What a seat was given, and a way to wait for it."""

    def __init__(self) -> None:
        self.got: list[RowResult | BotError] = []
        self._fresh = asyncio.Event()

    def __call__(self, result: RowResult | BotError) -> None:
        self.got.append(result)
        self._fresh.set()

    async def until(self, met: Callable[[list[RowResult | BotError]], bool]) -> None:
        while not met(self.got):
            self._fresh.clear()
            await self._fresh.wait()

    async def fault(self) -> BotError:
        await self.until(lambda got: any(isinstance(one, BotError) for one in got))
        return next(one for one in self.got if isinstance(one, BotError))


def frame(step: int, value: int = 1) -> Frame:
    return Frame(step, np.full(STEP, value, np.int16), (step + 1) * STEP)


async def test_frames_go_there_and_results_come_back_to_their_own_seat() -> None:
    async with running(functools.partial(build, EngineChoice("echo", seats=2))) as stepper:
        assert stepper.spec.width == 2
        assert stepper.pid not in (None, os.getpid())
        boxes = Mailbox(), Mailbox()
        seats = [await stepper.open(SessionOptions(), box) for box in boxes]
        with pytest.raises(NoFreeSlot):
            await stepper.open(SessionOptions(), Mailbox())
        for step in range(20):
            for number, seat in enumerate(seats):
                seat.submit(frame(step, value=100 * number + step))
        for number, box in enumerate(boxes):
            await box.until(lambda got: len(got) == 20)
            for step, result in enumerate(box.got):
                assert isinstance(result, RowResult)
                assert (result.row, result.step) == (number, step)
                assert np.all(result.pcm == 100 * number + step)
                assert result.cost_ms is not None
                assert result.waited_ms is not None
                assert result.waited_ms >= result.cost_ms
        seats[0].close()
        seats[0].close()
        assert stepper.free == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_all_processes_of_a_service_leaves_it_to_the_gateway(
    number: signal.Signals,
) -> None:
    async with running(functools.partial(build, EngineChoice("echo", seats=1))) as stepper:
        box = Mailbox()
        seat = await stepper.open(SessionOptions(), box)
        assert stepper.pid is not None
        os.kill(stepper.pid, number)
        seat.submit(frame(0, value=7))
        async with asyncio.timeout(MOST_S):
            await box.until(lambda got: bool(got))
        assert isinstance(box.got[0], RowResult)
        assert stepper.fault is None


def test_a_program_that_forgets_to_close_exits_all_the_same() -> None:
    program = (
        "import asyncio, functools\n"
        "from bot.engines import EngineChoice, build\n"
        "from bot.worker import WorkerStepper\n"
        "if __name__ == '__main__':\n"
        "    stepper = WorkerStepper(functools.partial(build, EngineChoice('echo')), name='e')\n"
        "    asyncio.run(stepper.start())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], timeout=MOST_S, check=False)
    assert ran.returncode == 0


async def test_a_new_tenant_begins_anew_and_hears_nothing_of_the_old_one() -> None:
    choice = EngineChoice("scripted", seats=1, script=Script((Say("hello", at=STEP),)))
    async with running(functools.partial(build, choice)) as stepper:
        old, new = Mailbox(), Mailbox()
        first = await stepper.open(SessionOptions(), old)
        for step in range(50):
            first.submit(frame(step))
        first.close()
        second = await stepper.open(SessionOptions(), new)
        left = len(old.got)
        second.submit(frame(0))
        await new.until(lambda got: len(got) == 1)
        (result,) = new.got
        assert isinstance(result, RowResult)
        assert (result.step, len(result.events)) == (0, 1)
        assert len(old.got) == left


async def test_what_the_engine_raises_every_seat_is_told() -> None:
    async with running(fakes.poisoned) as stepper:
        boxes = [Mailbox() for _ in range(3)]
        seats = [await stepper.open(SessionOptions(), box) for box in boxes]
        seats[1].submit(frame(0, fakes.POISON))
        async with asyncio.timeout(FAULT_S):
            faults = [await box.fault() for box in boxes]
        assert {str(fault) for fault in faults} == {"engine process: ZeroDivisionError: poison"}
        assert stepper.free == 0
        with pytest.raises(EngineFault):
            await stepper.open(SessionOptions(), Mailbox())
        for seat in seats:
            seat.submit(frame(1))  # harmless
            seat.close()


@pytest.mark.parametrize("by", ["itself", "a signal"])
async def test_when_its_process_dies_every_seat_is_told(by: str) -> None:
    async with running(fakes.killed, name="voicechat") as stepper:
        boxes = [Mailbox() for _ in range(3)]
        seats = [await stepper.open(SessionOptions(), box) for box in boxes]
        seats[0].submit(frame(0))
        await boxes[0].until(bool)
        if by == "itself":
            seats[2].submit(frame(0, fakes.POISON))
        else:
            assert stepper.pid is not None
            os.kill(stepper.pid, signal.SIGKILL)
        async with asyncio.timeout(FAULT_S):
            faults = [await box.fault() for box in boxes]
        assert {str(fault) for fault in faults} == {"engine voicechat: its process is gone"}


async def test_an_engine_that_hangs_is_found_out_and_can_be_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bot.worker.GRACE_S", 0.2)
    monkeypatch.setenv(fakes.HUNG, str(tmp_path / "hung"))
    async with running(fakes.hung) as stepper:
        box = Mailbox()
        seat = await stepper.open(SessionOptions(), box)
        seat.submit(frame(0, fakes.POISON))
        while not (tmp_path / "hung").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        for step in range(1, 2000):  # all at once: what fills the queue, not how fast
            seat.submit(frame(step))
            if box.got:
                break
        assert "does not take frames any more" in str(await box.fault())
        pid = stepper.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_an_engine_that_hangs_is_found_out_by_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bot.worker.GRACE_S", 0.2)
    monkeypatch.setattr("bot.worker.STALL_S", 0.3)
    monkeypatch.setenv(fakes.HUNG, str(tmp_path / "hung"))
    async with running(fakes.hung) as stepper:
        box = Mailbox()
        seat = await stepper.open(SessionOptions(), box)
        seat.submit(frame(0, fakes.POISON))
        async with asyncio.timeout(MOST_S):
            while not box.got:  # as calls do: a frame now and then
                await asyncio.sleep(0.02)
                seat.submit(frame(1))
        assert "no step for" in str(await box.fault())


async def test_a_row_that_cannot_be_reset_is_that_calls_fault_alone() -> None:
    async with running(fakes.fussy) as stepper:
        with pytest.raises(EngineFault, match="unlucky"):
            await stepper.open(SessionOptions(seed=13), Mailbox())
        assert stepper.free == 1
        box = Mailbox()
        seat = await stepper.open(SessionOptions(seed=14), box)
        seat.submit(frame(0))
        await box.until(bool)
        assert isinstance(box.got[0], RowResult)


async def test_an_engine_that_cannot_be_loaded_leaves_nothing_behind() -> None:
    before = threading.active_count()
    stepper = WorkerStepper(fakes.unloadable, name="voicechat")
    async with asyncio.timeout(MOST_S):
        with pytest.raises(EngineFault, match=r"FileNotFoundError: weights\.bin"):
            await stepper.start()
    assert stepper.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(stepper.pid, 0)
    pipes = [t for t in threading.enumerate() if t.name == "voicechat-pipe"]
    assert pipes == []
    assert threading.active_count() <= before + 2  # the loop's own pool of threads


async def test_closing_tells_who_still_sits() -> None:
    async with running(functools.partial(build, EngineChoice("echo"))) as stepper:
        box = Mailbox()
        await stepper.open(SessionOptions(), box)
        await stepper.close()
        assert [str(fault) for fault in box.got] == ["engine e: stopped"]
        await stepper.close()


async def test_what_was_never_started_is_closed_easily() -> None:
    stepper = WorkerStepper(fakes.poisoned, name="e")
    await stepper.close()
    with pytest.raises(EngineFault):
        _ = stepper.spec

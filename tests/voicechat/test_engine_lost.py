"""The engine in its process: what a call is told when that dies, and what starts it anew."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bot.engines import EngineChoice
from bot.engines.voicechat.choice import VoiceChatChoice
from bot.worker import WorkerStepper
from gateway.app import stepper_for
from gateway.outcome import Fault, Outcome
from media.timeline import Entry
from tests.gateway.calls import FakeLeg, call_of, check, quiet

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spawned process shares two cores with this one."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


async def test_a_call_whose_engine_dies_ends_as_engine_lost(original: Path, tmp_path: Path) -> None:
    choice = VoiceChatChoice(model=str(original), watchdog=False)
    stepper = stepper_for(
        EngineChoice("voicechat", seats=2, voicechat=choice), pace="live", fidelity="ideal"
    )
    assert isinstance(stepper, WorkerStepper)
    try:
        async with asyncio.timeout(90):
            await stepper.start()
            assert stepper.spec.name == "voicechat"
            pid = stepper.pid

            def watch(entry: Entry) -> None:
                if entry.type == "words" and pid is not None:  # it speaks: the model is in there
                    os.kill(pid, signal.SIGKILL)

            call, _ = call_of(FakeLeg(quiet(60_000)), stepper, tmp_path / "c", watch=watch)
            assert await call.run() == Outcome(Fault.BOT, "engine-lost")
    finally:
        await stepper.close()
    check(tmp_path / "c")

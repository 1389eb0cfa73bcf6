"""Recorded calls through the same call path: only the leg, the loop and the stepper differ."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bot.engines.fed import FedEngine
from bot.inline import InlineStepper
from bot.persona import Persona
from bot.stepper import Stepper
from gateway.app import options_for, persona_for, settings_for, stepper_for, writer_for
from gateway.audiofile import decode, probe
from gateway.call import Call
from gateway.config import Fidelity, Pace, ParleyConfig
from gateway.errors import InputError
from gateway.inputs import ReplayItem
from gateway.legs.replay import ReplayLeg
from gateway.outcome import Outcome
from media.clock import LoopClock, wall_utc
from media.errors import ParleyError
from media.frame import MEDIA_RATE, PACKET, STEP, Pcm
from media.recorder import InlineWriter, Recorder, RecordWriter
from media.timelinefile import is_being_written, read
from media.virtualtime import VirtualTimeLoop


class Progress(Protocol):
    """Told how far each call has got."""

    def heard(self, call_id: str, samples: int) -> None:
        """``samples`` more of the recording (16 kHz) have been played."""

    def ended(self, result: Replayed) -> None:
        """A call is done, well or not."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How one replay went: its folder and outcome, or the error instead."""

    item: ReplayItem
    folder: Path
    outcome: Outcome | None
    error: ParleyError | None = None


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """How to replay."""

    config: ParleyConfig
    out: Path
    fidelity: Fidelity = "ideal"
    pace: Pace = "virtual"
    config_dir: Path | None = None


def replay(items: Sequence[ReplayItem], plan: ReplayPlan, progress: Progress) -> list[Replayed]:
    """Replay all of them; what is wrong with one does not stop the others.

    Raises ``ConfigError`` or ``PersonaError`` for the settings' own persona, before any call.
    """
    batch = _Batch(plan, progress)
    batch.persona(plan.config.persona)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if plan.pace == "virtual":
        factory = VirtualTimeLoop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(batch.run(items))


class _Batch:
    def __init__(self, plan: ReplayPlan, progress: Progress) -> None:
        self._plan, self._progress = plan, progress
        self._config = plan.config
        self._personas: dict[str, Persona] = {}
        calls = plan.config.replay.calls
        self._choice = plan.config.bot.choice()
        if self._choice.seats is None:  # what is measured would not be the same another time
            self._choice = replace(self._choice, seats=calls)
        self._seats = asyncio.Semaphore(min(calls, self._choice.width))

    def persona(self, name: str) -> Persona:
        """Read once, however many calls it answers."""
        if name not in self._personas:
            self._personas[name] = persona_for(name, config_dir=self._plan.config_dir)
        return self._personas[name]

    async def run(self, items: Sequence[ReplayItem]) -> list[Replayed]:
        writer = writer_for(self._plan.pace)
        shared = None
        if self._plan.fidelity != "fed" and items:
            pace, fidelity = self._plan.pace, self._plan.fidelity
            shared = stepper_for(self._choice, pace=pace, fidelity=fidelity)
            await shared.start()
        writer.start()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(item, shared, writer)) for item in items]
        finally:
            if shared is not None:
                await shared.close()
            writer.stop()
        return [task.result() for task in tasks]

    async def _one(
        self, item: ReplayItem, shared: Stepper | None, writer: InlineWriter | RecordWriter
    ) -> Replayed:
        async with self._seats:
            folder = self._plan.out / item.call_id
            try:
                outcome = await self._call(item, folder, shared, writer)
                result = Replayed(item, folder, outcome)
            except ParleyError as error:
                result = Replayed(item, folder, None, error)
            except OSError as error:
                where, what = error.filename or folder, error.strerror or str(error)
                result = Replayed(item, folder, None, InputError(where=str(where), what=what))
            self._progress.ended(result)
            return result

    async def _call(
        self,
        item: ReplayItem,
        folder: Path,
        shared: Stepper | None,
        writer: InlineWriter | RecordWriter,
    ) -> Outcome:
        name = item.persona or self._config.persona
        persona = self.persona(name)
        stepper = shared if shared is not None else await self._fed(item)
        _make_room(folder, item)
        leg = ReplayLeg(
            self._sound(item),
            clock=LoopClock(asyncio.get_running_loop()),
            facts=item.facts,
            keys=item.keys,
            tail=0 if item.hung_up else self._config.replay.tail_seconds * MEDIA_RATE,
        )
        recorder = Recorder(folder, writer=writer)
        call = Call(
            item.call_id,
            leg=leg,
            stepper=stepper,
            recorder=recorder,
            options=options_for(self._config, persona, name=name, system_prompt=item.system_prompt),
            settings=settings_for(self._config, persona, pace=self._plan.pace),
            started=wall_utc().isoformat(timespec="seconds"),
        )
        outcome = await call.run()
        _raise(recorder.error or call.error, folder)
        return outcome

    def _sound(self, item: ReplayItem) -> Iterator[Pcm]:
        limit = self._config.replay.max_minutes
        for run in decode(item.recording, max_minutes=limit):
            self._progress.heard(item.call_id, len(run))
            yield run

    async def _fed(self, item: ReplayItem) -> Stepper:
        reference = item.reference
        if reference is None:
            raise InputError(
                where=item.call_id, what="fidelity fed needs a call folder made by Parley"
            )
        limit = self._config.replay.max_minutes
        bot = probe(reference / "call.wav", caller_channel=1, max_minutes=limit)
        engine = FedEngine(
            decode(bot, max_minutes=limit),
            list(read(reference / "timeline.jsonl", torn_ok=True)),
            delay=STEP + PACKET + self._config.playout.depth_ms * MEDIA_RATE // 1000,
        )
        stepper = InlineStepper(lambda jobs: engine)
        await stepper.start()
        return stepper


def _raise(failure: BaseException | None, folder: Path) -> None:
    """Tell what broke, if anything did; nothing half-written stays."""
    if failure is None:
        return
    shutil.rmtree(folder, ignore_errors=True)
    if isinstance(failure, ParleyError | OSError):
        raise failure
    what = f"{type(failure).__name__}: {failure}"
    raise InputError(where=folder.name, what=what) from failure


def _make_room(folder: Path, item: ReplayItem) -> None:
    """An earlier replay of the same call is replaced; anything else is left alone."""
    if not folder.exists():
        return
    if item.recording.path.resolve().is_relative_to(folder.resolve()):
        raise InputError(where=str(folder), what="is the input itself", remedy="give another --out")
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / "timeline.jsonl").exists()):
        raise InputError(
            where=str(folder), what="exists and is not a call folder", remedy="give another --out"
        )
    if is_being_written(folder / "timeline.jsonl"):
        raise InputError(where=str(folder), what="is being recorded", remedy="give another --out")
    shutil.rmtree(folder)

"""Calls for tests: a leg that does what it is told, and a look at what a call left behind."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator

from bot.engine import DuplexEngine, SessionOptions
from bot.engines.scripted import Hangup, Say, Script, ScriptedEngine, Stop
from bot.facts import Digit, Held
from bot.inline import InlineStepper
from bot.stepper import Stepper
from bot.transcript import Transcript
from gateway.call import Call, CallSettings
from gateway.legs.base import Leg, LegEvent, Moved
from gateway.legs.pace import ticks
from gateway.outcome import Outcome
from media.clock import LoopClock
from media.frame import MEDIA_RATE, PACKET, AudioFrame, Pcm, silence
from media.playout import FrameSource
from media.recorder import InlineWriter, Recorder
from media.timeline import Entry
from media.timelinefile import read

SCHEMA = Draft202012Validator(
    json.loads(files("media").joinpath("timeline.schema.json").read_text(encoding="utf-8"))
)
Deed = Pcm | Digit | Held | Moved | BaseException
"""A packet of the caller's, a key, a hold, a move, or how the leg breaks."""


def quiet(ms: int) -> list[Deed]:
    """Packets of silence."""
    return [silence(PACKET) for _ in range(ms // 20)]


def packets(pcm: Pcm) -> list[Deed]:
    """A run at 16 kHz in packets."""
    return [pcm[start : start + PACKET] for start in range(0, len(pcm), PACKET)]


class FakeLeg:
    """Does its deeds, one a packet, on the loop's clock; keeps how it was answered and hung up."""

    rate = MEDIA_RATE

    def __init__(self, deeds: list[Deed], *, facts: Mapping[str, str] | None = None) -> None:
        self._deeds = deeds
        self.source: FrameSource | None = None
        self.facts: Mapping[str, str] = {"leg": "fake", **(facts or {})}
        self.figures: Mapping[str, Any] = {}
        self.hung_up: list[Outcome] = []
        self.let_go: Callable[[], Any] | None = None  # awaited in ``hangup``

    @property
    def answered(self) -> bool:
        return self.source is not None

    async def answer(self, source: FrameSource) -> None:
        self.source = source

    async def hangup(self, outcome: Outcome) -> None:
        self.hung_up.append(outcome)
        if self.let_go is not None:
            await self.let_go()

    async def events(self) -> AsyncIterator[LegEvent]:
        assert self.source is not None
        deeds, start = iter(self._deeds), 0
        async for tick in ticks(LoopClock(asyncio.get_running_loop())):
            yield self.source.pull()
            if tick == 0:
                continue
            for deed in deeds:
                if isinstance(deed, BaseException):
                    raise deed
                if isinstance(deed, Digit | Held | Moved):
                    yield deed
                    continue
                yield AudioFrame(deed, MEDIA_RATE, start)
                start += len(deed)
                break
            else:
                return


async def stepper_of(engine: DuplexEngine) -> InlineStepper:
    """An engine that is ready, stepped in place."""
    stepper = InlineStepper(lambda jobs: engine)
    await stepper.start()
    return stepper


def call_of(
    leg: Leg,
    stepper: Stepper,
    folder: Path,
    *,
    settings: CallSettings | None = None,
    watch: Callable[[Entry], None] | None = None,
) -> tuple[Call, Recorder]:
    """A call that is recorded in ``folder``, in place."""
    recorder = Recorder(folder, writer=InlineWriter())
    call = Call(
        folder.name,
        leg=leg,
        stepper=stepper,
        recorder=recorder,
        options=SessionOptions(seed=7),
        settings=settings or CallSettings(),
        started="2026-01-01T00:00:00+00:00",
        watch=watch,
    )
    return call, recorder


def tracks(folder: Path) -> tuple[Pcm, Pcm]:
    """Left and right of ``call.wav``, which any reader can open."""
    with wave.open(str(folder / "call.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        assert file.getframerate() == MEDIA_RATE
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    return pcm[:, 0], pcm[:, 1]


def timeline(folder: Path) -> list[Entry]:
    """The entries, each of which fits the published schema; ``at`` never decreases."""
    for line in (folder / "timeline.jsonl").read_text(encoding="utf-8").split("\n")[:-1]:
        SCHEMA.validate(json.loads(line))
    return list(read(folder / "timeline.jsonl"))


def of(entries: list[Entry], kind: str) -> list[Entry]:
    """Those of one type."""
    return [entry for entry in entries if entry.type == kind]


def transcript(folder: Path) -> list[dict[str, Any]]:
    """The lines, which are the fold of the timeline on disk."""
    text = (folder / "transcript.jsonl").read_text(encoding="utf-8")
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    assert lines == [line.plain() for line in Transcript(timeline(folder)).utterances()]
    return lines


def summary(folder: Path) -> dict[str, Any]:
    """``call.json``."""
    call: dict[str, Any] = json.loads((folder / "call.json").read_text(encoding="utf-8"))
    return call


def check(folder: Path) -> None:
    """What holds of every finished call's folder, however it ended."""
    left, right = tracks(folder)
    assert len(left) == len(right)
    entries = timeline(folder)
    assert [entry.type for entry in entries][:1] == ["offer"]
    assert [entry.type for entry in entries].count("outcome") == 1
    ending = entries[-1]
    assert ending.type == "outcome"
    assert ending.at <= len(left)
    for line in transcript(folder):
        assert line["words"][-1][2] <= max(line["heard_until"], line["words"][-1][2])
        if line["speaker"] == "bot":
            assert line["words"][-1][2] <= ending.at
    assert summary(folder)["outcome"] == dict(ending.data)
    assert not list(folder.glob("*.part"))


def scripted(*lines: Say | Stop | Hangup, **options: bool) -> ScriptedEngine:
    """One row that follows these lines."""
    return ScriptedEngine(Script(tuple(lines), **options), width=1)

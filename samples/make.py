"""Makes the sample calls: scripted callers talk with the embedded bot over a telephone line.

    python -m samples.make [NAME…]

What the caller's side of the line carried is kept as ``samples/NAME.wav`` (8 kHz G.711 mu-law);
``parley replay samples/`` plays it to the bot again.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bot.transcript import Transcript
from gateway.app import options_for, persona_for, settings_for, stepper_for
from gateway.call import Call
from gateway.config import load
from gateway.legs.base import LegEvent
from gateway.legs.memory import (
    RATE,
    Await,
    Deed,
    Interrupt,
    Line,
    MemoryLeg,
    Pause,
    Speak,
)
from gateway.outcome import Outcome
from media.clock import LoopClock
from media.frame import AudioFrame, Pcm
from media.g711 import ulaw_encode
from media.playout import FrameSource
from media.recorder import InlineWriter, Recorder
from media.timelinefile import read
from media.virtualtime import VirtualTimeLoop
from samples.voices import BRUNO, MARTHA

HERE = Path(__file__).parent


def question() -> Sequence[Deed]:
    """Two questions and thanks."""
    return (
        Await(),
        Speak(MARTHA.say("Hi, what are your opening hours?")),
        Await(),
        Speak(MARTHA.say("Great. And is there somewhere to park?")),
        Await(),
        Speak(MARTHA.say("Thank you, that's all. Goodbye.")),
        Await(),
        Pause(1500),
    )


def booking() -> Sequence[Deed]:
    """A task with a day, a time, a name and a number."""
    answers = (
        "I'd like to book an appointment, please.",
        "Next Tuesday.",
        "At half past nine.",
        "My name is Peter Johnson.",
        "six one seven, five five five, zero one four two",
        "Yes, that's right.",
        "No, that's all. Goodbye.",
    )
    turns = [deed for text in answers for deed in (Await(), Speak(BRUNO.say(text)))]
    return (*turns, Await(), Pause(1500))


def barge_in() -> Sequence[Deed]:
    """The answer is not what was meant, and is interrupted."""
    return (
        Await(),
        Speak(MARTHA.say("What are your opening hours?")),
        Interrupt(after_ms=2900),
        Speak(MARTHA.say("Sorry, how much does a cleaning cost?")),
        Await(),
        Speak(MARTHA.say("Great, thank you. Goodbye.")),
        Await(),
        Pause(1500),
    )


def backchannel() -> Sequence[Deed]:
    """A caller who shows that he listens; the bot goes on."""
    return (
        Await(),
        Speak(BRUNO.say("Where are you located?")),
        Interrupt(after_ms=2200),
        Speak(BRUNO.say("Mm-hm.")),
        Await(),
        Speak(BRUNO.say("Okay, thank you, goodbye.")),
        Await(),
        Pause(1500),
    )


def silent_caller() -> Sequence[Deed]:
    """Nobody answers the bot."""
    return (Pause(60_000),)


def wrong_number() -> Sequence[Deed]:
    """An apology and a goodbye."""
    said = MARTHA.say("Oh, sorry, I think I have the wrong number. Goodbye.")
    return (Await(), Speak(said), Await(), Pause(1500))


CALLS: Mapping[str, Callable[[], Sequence[Deed]]] = {
    "question": question,
    "booking": booking,
    "barge-in": barge_in,
    "backchannel": backchannel,
    "silent-caller": silent_caller,
    "wrong-number": wrong_number,
}


@dataclass(slots=True)
class Taped:
    """A leg whose caller's side is kept."""

    leg: MemoryLeg
    said: list[Pcm] = field(default_factory=list)
    rate: int = RATE

    @property
    def facts(self) -> Mapping[str, str]:
        return self.leg.facts

    @property
    def figures(self) -> Mapping[str, Any]:
        return self.leg.figures

    async def answer(self, source: FrameSource) -> None:
        """As the leg's."""
        await self.leg.answer(source)

    async def hangup(self, outcome: Outcome) -> None:
        """As the leg's."""
        await self.leg.hangup(outcome)

    async def events(self) -> AsyncIterator[LegEvent]:
        """As the leg's."""
        async for event in self.leg.events():
            if isinstance(event, AudioFrame):
                self.said.append(event.pcm)
            yield event


async def make(names: Sequence[str]) -> None:
    """Hold the calls and keep what the callers said."""
    config = load([])
    persona = persona_for(config.persona, config_dir=None)
    stepper = stepper_for(config.bot.choice(), pace="virtual", fidelity="ideal")
    await stepper.start()
    for number, (name, deeds) in enumerate(CALLS.items()):
        if names and name not in names:
            continue
        clock = LoopClock(asyncio.get_running_loop())
        leg = Taped(MemoryLeg(deeds(), clock=clock, line=Line(seed=number)))
        with tempfile.TemporaryDirectory() as folder:
            call = Call(
                name,
                leg=leg,
                stepper=stepper,
                recorder=Recorder(Path(folder), writer=InlineWriter()),
                options=options_for(config, persona, name=config.persona),
                settings=settings_for(config, persona, pace="virtual"),
                started="",
            )
            outcome = await call.run()
            print(f"\n{name}: {outcome}")
            for line in Transcript(read(Path(folder) / "timeline.jsonl")).utterances():
                cut = " …" if line.heard_until < line.end else ""
                print(f"  {line.start / 16000:6.1f} s  {line.speaker:6}  {line.text}{cut}")
        write_ulaw(HERE / f"{name}.wav", np.concatenate(leg.said))
    await stepper.close()


def write_ulaw(path: Path, pcm: Pcm) -> None:
    """A mono 8 kHz WAV of G.711 mu-law (format tag 7, RFC 2361)."""
    data = ulaw_encode(pcm)
    padded = data + b"\xff" * (len(data) % 2)
    shape = struct.pack("<HHIIHHH", 7, 1, RATE, RATE, 1, 8, 0)
    chunks = b"fmt " + struct.pack("<I", len(shape)) + shape
    chunks += b"fact" + struct.pack("<II", 4, len(data))
    chunks += b"data" + struct.pack("<I", len(data)) + padded
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(make(sys.argv[1:]))

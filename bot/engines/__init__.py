"""The engines. Each is a file or folder of its own and is imported only when it is chosen.

====================  ============================================================
``echo``              hands back what it hears, one frame late: wiring checks
``scripted``          says given things at given places in the call: tests, demos
``embedded``          a conversing bot from Python packages alone, on a CPU
``voicechat``         NVIDIA's VoiceChat: one model that hears and speaks at once
====================  ============================================================
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

from bot.engine import DuplexEngine, Jobs
from bot.engines.scripted import Script
from bot.engines.voicechat.choice import VoiceChatChoice
from bot.errors import EngineFault

__all__ = ["NAMES", "EngineChoice", "build"]

NAMES = ("echo", "embedded", "scripted", "voicechat")
START_S, LARGE_START_S = 120.0, 900.0  # to load weights from a slow disk: 0.2 GB, or 44


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine, and how wide. Plain data: it crosses to the engine's process.

    ``seats`` rows, None for as many as ``voicechat`` finds that it carries;
    ``model_dir`` overrides the weights inside the packages; ``script`` is for
    ``scripted`` alone; ``aec`` takes WebRTC's echo canceller and ``prepare`` makes fixed sentences
    beforehand in ``embedded``.
    """

    name: str
    seats: int | None = 4
    model_dir: Path | None = None
    script: Script = field(default_factory=Script)
    aec: bool = False
    prepare: bool = True
    voicechat: VoiceChatChoice = field(default_factory=VoiceChatChoice)

    @property
    def start_s(self) -> float:
        """How long the engine may take to start."""
        return LARGE_START_S if self.name == "voicechat" else START_S

    @property
    def width(self) -> int:
        """Rows of an engine that has to be told. Raises ``EngineFault``."""
        if self.seats is None:
            raise EngineFault(engine=self.name, why="bot.seats must be a number")
        return self.seats


def build(choice: EngineChoice, jobs: Jobs) -> DuplexEngine:
    """Load the engine chosen. Raises ``EngineFault`` for an unknown name, ``WeightsMissing``."""
    match choice.name:
        case "echo":
            from bot.engines.echo import EchoEngine

            return EchoEngine(width=choice.width)
        case "scripted":
            from bot.engines.scripted import ScriptedEngine

            return ScriptedEngine(choice.script, width=choice.width)
        case "embedded":
            from bot.engines.embedded.engine import EmbeddedEngine
            from bot.engines.embedded.parts import load

            return EmbeddedEngine(
                load(choice.model_dir),
                width=choice.width,
                jobs=jobs,
                aec=choice.aec,
                prepare=choice.prepare,
            )
        case "voicechat":
            return _voicechat(choice)
    raise EngineFault(engine=choice.name, why=f"no such engine; there are {', '.join(NAMES)}")


def _voicechat(choice: EngineChoice) -> DuplexEngine:
    """Its libraries are an extra, and large: found before they are imported."""
    for name in ("torch", "transformers"):
        if importlib.util.find_spec(name) is None:
            why = f"{name} is not installed; make setup EXTRAS=voicechat"
            raise EngineFault(engine=choice.name, why=why)
    from bot.engines.voicechat.loading import load

    return load(choice.voicechat, seats=choice.seats)

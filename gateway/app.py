"""The composition root: from settings to the parts of a running process."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

from bot.engine import SessionOptions
from bot.engines import EngineChoice, build
from bot.inline import InlineStepper
from bot.persona import Persona, plain
from bot.persona import load as load_persona
from bot.stepper import Stepper
from bot.worker import WorkerStepper
from gateway import voicechat
from gateway.call import CallSettings
from gateway.config import Fidelity, Pace, ParleyConfig
from gateway.errors import ConfigError
from media.frame import MEDIA_RATE
from media.recorder import InlineWriter, RecordWriter

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
LIGHT = ("echo", "scripted")  # engines that need no process of their own


def stepper_for(choice: EngineChoice, *, pace: Pace, fidelity: Fidelity) -> Stepper:
    """Where the engine runs: in place on a virtual clock, else in a process of its own.

    Raises ``PartMissing`` where an extra's libraries are not installed.
    """
    if choice.name == "voicechat":
        voicechat.require()
    if fidelity == "ideal" and pace == "virtual":
        choice = replace(choice, prepare=False)  # nothing takes time, so none can be saved
    started = functools.partial(build, choice)
    if pace == "virtual":
        return InlineStepper(started, timed=fidelity == "timed")
    if choice.name in LIGHT:
        return InlineStepper(started)
    return WorkerStepper(started, name=choice.name, start_s=choice.start_s)


def writer_for(pace: Pace) -> InlineWriter | RecordWriter:
    """Who writes recordings: one thread, or the loop itself when it has all the time."""
    return InlineWriter() if pace == "virtual" else RecordWriter()


def settings_for(config: ParleyConfig, persona: Persona, *, pace: Pace) -> CallSettings:
    """What all calls of a process with that persona share."""
    return CallSettings(
        limits=config.limits.limits(persona),
        depth=config.playout.depth_ms * MEDIA_RATE // 1000,
        timing=config.recording.timing and pace == "live",
        config_sha256=config.sha256(persona),
    )


def options_for(
    config: ParleyConfig, persona: Persona, *, name: str, system_prompt: str = ""
) -> SessionOptions:
    """What the engine is told of a call. ``name``: what the settings call the persona.

    ``system_prompt`` goes before the persona's own.
    """
    return SessionOptions(
        seed=config.seed,
        persona=plain(persona),
        persona_name=Path(name).stem,
        system_prompt=system_prompt or persona.system_prompt,
    )


def persona_for(name: str, *, config_dir: Path | None) -> Persona:
    """A persona by name or path. Raises ``ConfigError``, ``PersonaError``."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        if not path.is_file():
            raise ConfigError(path=f"persona={name}", what="no such file")
        return load_persona(path)
    folders = [folder / "persona" for folder in (config_dir, CONFIGS) if folder is not None]
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return load_persona(folder / f"{name}.yaml")
    known = sorted({file.stem for folder in folders for file in folder.glob("*.yaml")})
    raise ConfigError(
        path=f"persona={name}",
        what="no such persona",
        remedy=f"there are {', '.join(known)}; or give the path of a YAML file",
    )

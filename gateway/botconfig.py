"""The section ``bot`` of the settings: which engine, how many seats, and its own keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.engines import EngineChoice
from bot.engines.scripted import Hangup, Say, Script, Stop
from bot.engines.voicechat.choice import AUTO, RELEASED, VoiceChatChoice
from gateway.section import NotNegative, Positive, Section, Text
from media.frame import MEDIA_RATE

PER_MS = MEDIA_RATE // 1000
Slug = Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]  # as the timeline has reasons


class LineConfig(Section):
    """One line of a script: exactly one of ``say``, ``stop``, ``hangup``."""

    say: Annotated[str, Field(pattern=r"\S")] | None = None
    stop: Slug | None = None
    hangup: Slug | None = None
    at_ms: NotNegative | None = None
    after_turn: Positive | None = None
    resume: bool = False

    @model_validator(mode="after")
    def _one_deed_at_one_place(self) -> Self:
        deeds = [deed for deed in (self.say, self.stop, self.hangup) if deed is not None]
        if len(deeds) != 1:
            raise ValueError("a line has exactly one of say, stop and hangup")
        if (self.at_ms is None) == (self.after_turn is None):
            raise ValueError("a line has exactly one of at_ms and after_turn")
        if self.say is None and self.at_ms is None:
            raise ValueError("only say may come after_turn")
        return self

    def line(self) -> Say | Stop | Hangup:
        """As the engine takes it."""
        at = None if self.at_ms is None else self.at_ms * PER_MS
        if self.say is not None:
            return Say(self.say, at=at, after_turn=self.after_turn)
        if self.stop is not None:
            return Stop(at or 0, self.stop, resume=self.resume)
        return Hangup(at or 0, self.hangup or "goodbye")


class ScriptConfig(Section):
    """What the scripted engine does."""

    lines: tuple[LineConfig, ...] = ()
    rate: Positive = MEDIA_RATE
    digit_echo: bool = True
    barge_in: bool = False


class SamplingConfig(Section):
    """How a language model's words are drawn."""

    greedy: bool = False
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.5
    temperature: Annotated[float, Field(ge=0, le=100)] = 0.3
    repetition_penalty: Annotated[float, Field(ge=0.1, le=100)] = 1.1


class BotConfig(Section):
    """The engine and its seats. ``seats`` of None: as many as it finds that it carries."""

    name: str
    seats: Positive | None = 4
    model_dir: str | None = None
    aec: bool = False
    script: ScriptConfig = ScriptConfig()
    model: Text = RELEASED
    device: Text = AUTO
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    memory: Literal["float32", "bfloat16"] = "float32"
    guidance: Annotated[float, Field(ge=0, le=10)] | None = None
    sampling: SamplingConfig = SamplingConfig()
    turn_taking: Literal["native", "responsive", "published"] = "native"
    rollover_frames: Annotated[int, Field(ge=50, le=8000)] = 1450
    longest_frames: Annotated[int, Field(ge=50, le=8000)] = 1600
    watchdog: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.rollover_frames > self.longest_frames:
            raise ValueError("rollover_frames must not be above longest_frames")
        if self.seats is None and self.name != "voicechat":
            raise ValueError("seats must be a number: only voicechat measures how many it carries")
        return self

    def choice(self) -> EngineChoice:
        """As ``bot.engines.build`` takes it."""
        script = self.script
        return EngineChoice(
            name=self.name,
            seats=self.seats,
            model_dir=Path(self.model_dir) if self.model_dir else None,
            aec=self.aec,
            voicechat=self._voicechat(),
            script=Script(
                lines=tuple(line.line() for line in script.lines),
                rate=script.rate,
                digit_echo=script.digit_echo,
                barge_in=script.barge_in,
            ),
        )

    def _voicechat(self) -> VoiceChatChoice:
        sampling = self.sampling
        return VoiceChatChoice(
            model=self.model,
            device=self.device,
            dtype=self.dtype,
            memory=self.memory,
            guidance=self.guidance,
            greedy=sampling.greedy,
            top_p=sampling.top_p,
            temperature=sampling.temperature,
            repetition_penalty=sampling.repetition_penalty,
            turn_taking=self.turn_taking,
            rollover_frames=self.rollover_frames,
            longest_frames=self.longest_frames,
            watchdog=self.watchdog,
        )

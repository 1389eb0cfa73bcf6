"""Where an admitted offer becomes a call: its name, its folder, who answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from bot.engine import SessionOptions
from bot.stepper import Stepper
from gateway.app import options_for, persona_for, settings_for
from gateway.call import Call, CallSettings
from gateway.config import ParleyConfig
from gateway.legs.base import Leg
from gateway.norecorder import NoRecorder
from media.recorder import InlineWriter, Recorder, RecordWriter
from media.timeline import Entry

Watch: TypeAlias = Callable[[Entry], None]


@dataclass(frozen=True, slots=True)
class _Answer:
    """How the calls of one route are answered."""

    options: SessionOptions
    settings: CallSettings
    recorded: bool


class Desk:
    """Makes calls, by route. Reads every route's persona once, at the start.

    ``wall`` gives the time for people, in UTC; ``token`` a few letters and digits that no other
    call of the same second has. Raises ``ConfigError``, ``PersonaError``.
    """

    def __init__(
        self,
        config: ParleyConfig,
        *,
        config_dir: Path | None,
        stepper: Stepper,
        writer: RecordWriter | InlineWriter,
        wall: Callable[[], datetime],
        token: Callable[[], str],
    ) -> None:
        self._stepper, self._writer = stepper, writer
        self._wall, self._token = wall, token
        self._root = Path(config.recording.dir)
        self._answers = [
            _answer(config.of_route(place), config_dir=config_dir)
            for place in range(max(1, len(config.routes)))
        ]

    @property
    def sessions(self) -> list[SessionOptions]:
        """What an engine is told of a call, for each persona of the routes once."""
        return list(
            {answer.options.persona_name: answer.options for answer in self._answers}.values()
        )

    def call(self, leg: Leg, *, route: int, watch: Watch) -> Call:
        """A call that has not begun. ``route`` is the place of its route in the settings."""
        answer, now = self._answers[route], self._wall()
        call_id = f"{now:%Y%m%dT%H%M%SZ}-{self._token()}"
        recorder: Recorder | NoRecorder = NoRecorder()
        if answer.recorded:
            folder = self._root / f"{now:%Y}" / f"{now:%m}" / f"{now:%d}" / call_id
            recorder = Recorder(folder, writer=self._writer)
        return Call(
            call_id,
            leg=leg,
            stepper=self._stepper,
            recorder=recorder,
            options=answer.options,
            settings=answer.settings,
            started=now.isoformat(timespec="seconds"),
            watch=watch,
        )


def _answer(config: ParleyConfig, *, config_dir: Path | None) -> _Answer:
    persona = persona_for(config.persona, config_dir=config_dir)
    return _Answer(
        options=options_for(config, persona, name=config.persona),
        settings=settings_for(config, persona, pace="live"),
        recorded=config.recording.enabled,
    )

"""Recordings for the VoiceChat pipeline: what ``parley replay`` can read, decoded when needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.audiofile import Recording, decode
from gateway.complaint import complain
from gateway.errors import ConfigError
from gateway.inputs import Found, ReplayItem, find
from media.frame import MEDIA_RATE

if TYPE_CHECKING:
    from bot.voicechat.s2sbatch import Input
    from bot.voicechat.s2sconfig import S2SConfig

LIMIT = "streaming.max_len"
FULL_SCALE = 32_768.0


def recordings(config: S2SConfig, *, caller_channel: int | None) -> Found:
    """What ``audio_file`` names. Raises ``ConfigError`` if it names nothing."""
    if config.audio_file is None:
        remedy = "say audio_file=PATH: a recording, a folder or a manifest"
        raise ConfigError(path="audio_file", what="missing", remedy=remedy)
    return find(
        [Path(config.audio_file)],
        caller_channel=caller_channel,
        max_minutes=longest_minutes(config),
        limit=LIMIT,
    )


def longest_minutes(config: S2SConfig) -> float:
    """Of what fits a row, a prompt apart."""
    from bot.voicechat.timestamps import FRAME_S

    return config.streaming.max_len * FRAME_S / 60


def inputs_of(items: Sequence[ReplayItem], *, max_minutes: float) -> list[Input]:
    """As the batch takes them: nothing is decoded yet."""
    from bot.voicechat.s2sbatch import Input
    from bot.voicechat.s2soutputs import free_stem

    taken: set[str] = set()
    return [
        Input(
            stem=free_stem(item.call_id, taken),
            where=str(item.recording.path),
            read=partial(samples_of, item.recording, max_minutes=max_minutes),
            reference=item.text,
            system_prompt=item.system_prompt or None,
        )
        for item in items
    ]


def samples_of(recording: Recording, *, max_minutes: float) -> Any:
    """The caller's channel, float32 ``[n]`` in [-1, 1] at 16 kHz. Raises ``InputError``."""
    runs = [*decode(recording, max_minutes=max_minutes, limit=LIMIT)]
    return np.concatenate(runs).astype(np.float32) / np.float32(FULL_SCALE)


def expected_samples(items: Sequence[ReplayItem], missing: Callable[[int], int]) -> int:
    """How much will be fed, as far as headers tell; ``missing`` is the padding of so much."""
    sizes = [round((item.recording.seconds or 0) * MEDIA_RATE) for item in items]
    return sum(size + missing(size) for size in sizes)


class Bar:
    """One bar over all recordings on a terminal; plain lines elsewhere."""

    def __init__(self, console: Console, samples: int) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("streaming"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[stem]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("s2s", total=samples, stem="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def heard(self, stem: str, samples: int) -> None:
        """Progress of one."""
        self._bar.update(self._task, advance=samples, stem=stem)

    def ended(self, one: Input, error: Exception | None) -> None:
        """One is done, or has failed: said at once, the others may take hours."""
        from bot.voicechat.s2sbatch import told

        if error is not None:
            complain(error, text=told(one.where, error))
        elif not self._console.is_terminal:
            self._console.print(f"streamed {one.stem}", highlight=False, markup=False)

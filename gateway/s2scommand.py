"""``parley s2s``: the VoiceChat model by itself, over recordings; and a tiny random checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from gateway import voicechat
from gateway.complaint import DONE, FAILED, complain
from gateway.compose import compose
from gateway.errors import ConfigError
from gateway.inputs import ReplayItem
from gateway.s2srun import Bar, expected_samples, inputs_of, longest_minutes, recordings
from media.clock import perf

if TYPE_CHECKING:
    from bot.voicechat.s2sconfig import S2SConfig

logger = logging.getLogger(__name__)

CONFIG = "s2s_streaming"


def make_tiny(folder: Path, console: Console) -> int:
    """Write it. Raises ``PartMissing`` without torch, ``CheckpointError`` if the folder is used."""
    voicechat.require()
    from bot.voicechat import tiny

    path = tiny.make_tiny(folder)
    _say(console, f"{path}: a tiny random checkpoint in the layout of the released one")
    return DONE


def run(
    overrides: Sequence[str],
    *,
    caller_channel: int | None,
    config_dir: Path | None,
    console: Console,
) -> int:
    """Stream everything that can be; the exit code says whether that was all.

    Raises ``PartMissing`` without torch, ``ConfigError``, ``CheckpointError``.
    """
    voicechat.require()
    with _faults():
        plain = compose(overrides, config_dir=config_dir, name=CONFIG)
        return _run(plain, console, caller_channel=caller_channel)


def _run(plain: Mapping[str, Any], console: Console, *, caller_channel: int | None) -> int:
    from bot.voicechat.s2sconfig import read

    config = read(plain)
    found = recordings(config, caller_channel=caller_channel)
    _check_output(config, found.items)
    code = max([complain(error) for error in found.errors], default=DONE)
    if not found.items:
        return code
    if any(item.persona for item in found.items):
        _say(console, "persona: ignored: the model is told its system_prompt alone")
    finished = _stream(config, found.items, console)
    of = len(found.items) + len(found.errors)
    _say(console, f"{finished} of {of} in {config.output_dir}")
    return max(code, DONE if finished == len(found.items) else FAILED)


def _stream(config: S2SConfig, items: Sequence[ReplayItem], console: Console) -> int:
    """How many were finished."""
    from bot.voicechat.builder import S2SPipelineBuilder, inference_precision_from_cfg
    from bot.voicechat.mel import FRAME
    from bot.voicechat.s2sbatch import run_batch
    from bot.voicechat.s2soutputs import OutputFolder
    from bot.voicechat.streams import Padding

    if not logger.isEnabledFor(logging.DEBUG):
        logging.getLogger("transformers").setLevel(logging.CRITICAL)  # its import had set it
    padding = Padding(config.pad_audio_to_sec, config.pad_silence_ratio, config.pad_audio_by_sec)
    folder = OutputFolder(Path(config.output_dir), chunk_s=config.streaming.chunk_size_in_secs)
    with inference_precision_from_cfg(config):
        pipeline = S2SPipelineBuilder.build_pipeline(
            config, tell=lambda note: _say(console, str(note))
        )
        folder.begin()
        began = perf()
        with Bar(console, expected_samples(items, padding.missing)) as bar:
            tally = run_batch(
                pipeline,
                inputs_of(items, max_minutes=longest_minutes(config)),
                folder,
                bar,
                chunk=config.chunk_frames * FRAME,
                padding=padding,
                system_prompt=config.s2s.system_prompt,
            )
    for line in tally.summary(perf() - began):
        _say(console, line)
    return len(items) - tally.failed


@contextmanager
def _faults() -> Iterator[None]:
    """What is wrong with a key is bad usage, as everywhere."""
    from bot.voicechat.s2skeys import ConfigFault

    try:
        yield
    except ConfigFault as fault:
        raise ConfigError(path=fault.path, what=fault.what, remedy=fault.remedy) from fault


def _check_output(config: S2SConfig, items: Sequence[ReplayItem]) -> None:
    """Refuse to write over what is read."""
    from bot.voicechat.s2soutputs import FOLDERS, PROCESSED, RAW

    root = Path(config.output_dir).resolve()
    given = [Path(config.audio_file or ""), *(item.recording.path for item in items)]
    for path in given:
        mine = {root / name for name in (*FOLDERS, PROCESSED, RAW)}
        if mine & {path.resolve(), path.resolve().parent}:
            what, remedy = f"{path} is in it", "give a folder that is not read from"
            raise ConfigError(path=f"output_dir={config.output_dir}", what=what, remedy=remedy)


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)

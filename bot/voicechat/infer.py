"""``python -m bot.voicechat.infer KEY=VALUE...``: what ``parley s2s`` does, on a bare GPU machine.

Keys, defaults and outputs are the same. It needs nothing but what this package needs, and so it
reads WAV alone: mono, 16 bits, 16 kHz; a file, a folder, or a manifest of ``audio_filepath``,
``system_prompt`` and ``text``. Values are JSON, or else text as it stands; ``parley s2s`` has
Hydra's grammar, any sample rate, FLAC and Ogg, stereo, call folders and a progress bar.
"""

from __future__ import annotations

import json
import sys
import wave
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.voicechat.builder import S2SPipelineBuilder, inference_precision_from_cfg
from bot.voicechat.config import SAMPLE_RATE
from bot.voicechat.mel import FRAME
from bot.voicechat.s2sbatch import Input, Tally, run_batch, told
from bot.voicechat.s2sconfig import S2SConfig, read
from bot.voicechat.s2skeys import ConfigFault
from bot.voicechat.s2soutputs import OutputFolder, free_stem
from bot.voicechat.streams import Padding
from media.clock import perf
from media.errors import FormatMismatch, ParleyError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
REMEDY = "mono, 16 bits, 16 kHz; parley s2s reads others"


def main(words: Sequence[str]) -> int:
    """The exit code: 0 done, 1 failed, 2 bad settings or manifest, 130 interrupted."""
    try:
        return _run(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ParleyError as error:
        _complain(str(error))
        return USAGE if isinstance(error, ConfigFault) else FAILED
    return FAILED


def plain_of(words: Sequence[str]) -> dict[str, Any]:
    """``a.b=1`` words as a tree. Raises ``ConfigFault``."""
    plain: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigFault(path=word, what="no value", remedy="write key=value")
        *sections, last = key.split(".")
        section = plain
        for name in sections:
            section = section.setdefault(name, {})
            if not isinstance(section, dict):
                raise ConfigFault(path=key, what=f"{name} has a value of its own")
        try:
            section[last] = json.loads(text)
        except json.JSONDecodeError:
            section[last] = text
    return plain


def samples_of(path: Path) -> npt.NDArray[np.float32]:
    """Float32 ``[n]`` in [-1, 1] at 16 kHz. Raises ``FormatMismatch``."""
    try:
        with wave.open(str(path), "rb") as file:
            found = (file.getnchannels(), 8 * file.getsampwidth(), file.getframerate())
            content = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        what = f"no WAV that can be read: {error or 'cut off'}"
        raise FormatMismatch(where=str(path), what=what, remedy=REMEDY) from error
    if found != (1, 16, SAMPLE_RATE):
        what = "{} channels, {} bits, {} Hz".format(*found)
        raise FormatMismatch(where=str(path), what=what, remedy=REMEDY)
    return np.frombuffer(content, "<i2").astype(np.float32) / np.float32(32_768.0)


def inputs_of(path: Path) -> Iterator[Input]:
    """What ``audio_file`` names. Raises ``ConfigFault`` and ``OSError``."""
    rows: list[Mapping[str, Any]] = [{"audio_filepath": path.absolute()}]
    if path.is_dir():
        rows = [{"audio_filepath": one.name} for one in sorted(path.glob("*.wav"))]
    elif path.suffix in (".json", ".jsonl"):
        lines = path.read_text("utf-8-sig").split("\n")
        rows = [_row(path, n, line) for n, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise ConfigFault(path="audio_file", what=f"no recordings in {path}")
    root, taken = path if path.is_dir() else path.parent, set[str]()
    for row in rows:
        file = root / row["audio_filepath"]
        yield Input(
            stem=free_stem("-".join(file.stem.split()), taken),
            where=str(file),
            read=partial(samples_of, file),
            reference=row.get("text", ""),
            system_prompt=row.get("system_prompt") or None,
        )


def _row(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigFault(path=f"{path}:{number}", what=f"not JSON: {error.msg}") from error
    known = {"audio_filepath", "system_prompt", "text"}
    if not isinstance(row, dict) or "audio_filepath" not in row or set(row) - known:
        remedy = "give audio_filepath, and if you like system_prompt and text"
        raise ConfigFault(path=f"{path}:{number}", what="no such line", remedy=remedy)
    if not all(isinstance(value, str) for value in row.values()):
        raise ConfigFault(path=f"{path}:{number}", what="all values must be text")
    return row


class _Lines:
    """A line for each recording."""

    def heard(self, stem: str, samples: int) -> None:
        """Nothing is said."""

    def ended(self, one: Input, error: Exception | None) -> None:
        if error is None:
            print(f"streamed {one.stem}", flush=True)
        else:
            _complain(told(one.where, error))


def _run(words: Sequence[str]) -> int:
    config = read(plain_of(words))
    if config.audio_file is None:
        raise ConfigFault(path="audio_file", what="missing", remedy="give a WAV file or a folder")
    inputs = list(inputs_of(Path(config.audio_file)))
    began = perf()
    tally = _streamed(config, inputs)
    for line in tally.summary(perf() - began):
        print(line)
    return FAILED if tally.failed else DONE


def _streamed(config: S2SConfig, inputs: Sequence[Input]) -> Tally:
    padding = Padding(config.pad_audio_to_sec, config.pad_silence_ratio, config.pad_audio_by_sec)
    folder = OutputFolder(Path(config.output_dir), chunk_s=config.streaming.chunk_size_in_secs)
    with inference_precision_from_cfg(config):
        pipeline = S2SPipelineBuilder.build_pipeline(config, tell=print)
        folder.begin()
        return run_batch(
            pipeline,
            inputs,
            folder,
            _Lines(),
            chunk=config.chunk_frames * FRAME,
            padding=padding,
            system_prompt=config.s2s.system_prompt,
        )


def _complain(text: str) -> None:
    print("infer: " + " ".join(text.split()), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

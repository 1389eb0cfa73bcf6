"""What a stream leaves behind as files, in the layout of NeMo's S2S streaming inference.

Pure but for ``OutputFolder``, which writes each file whole or not at all.
"""

from __future__ import annotations

import io
import json
import os
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.voicechat.heardagain import at_output_rate
from bot.voicechat.timestamps import FRAME_S

Floats = npt.NDArray[np.float32]

OUT_RATE = 22_050
PROCESSED, RAW = "output_processed.json", "output_raw.json"
NAMELESS = "<unk>"
FOLDERS = ("wav", "stereo", "txt", "ctm")


@dataclass(frozen=True, slots=True)
class Mark:
    """``token``, as the vocabulary spells it, was said in ``frame`` of 80 ms; no pads."""

    frame: int
    token: str


@dataclass(frozen=True, slots=True)
class Channel:
    """What was said in one: ``text`` for people, ``told`` with the times of turns where they are
    known, ``raw`` with every token, pads included."""

    text: str = ""
    told: str = ""
    raw: str = ""
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A finished stream. ``stem`` names its files, and nothing else has that name.

    ``heard`` float32 ``[n]`` at 16 kHz is all that the model was fed, padding included; ``said``
    float32 ``[m]`` at 22 050 Hz, None if nothing is said aloud; both in [-1, 1]. ``caller`` and
    ``function`` are None where the model has no such channel. ``reference`` is what the caller
    says, as a manifest has it.
    """

    stem: str
    heard: Floats
    said: Floats | None
    agent: Channel
    caller: Channel | None = None
    function: Channel | None = None
    reference: str = ""
    system_prompt: str = ""
    capabilities: Mapping[str, bool] = field(default_factory=dict)


class OutputFolder:
    """Where records go. ``chunk_s`` seconds of input are fed at a time."""

    def __init__(self, root: Path, *, chunk_s: float) -> None:
        self.root, self._chunk_s = root, chunk_s

    def begin(self) -> None:
        """Make it, without lines of an earlier run. Raises ``OSError``."""
        self.root.mkdir(parents=True, exist_ok=True)
        for name in (PROCESSED, RAW):
            _replace(self.root / name, b"")

    def write(self, record: Record) -> None:
        """All files of a stream, and then its lines: who has those has all. Raises ``OSError``."""
        for name, content in files_of(record, chunk_s=self._chunk_s).items():
            if content is None:
                (self.root / name).unlink(missing_ok=True)  # of an earlier run
            else:
                _replace(self.root / name, content)
        _append(self.root / RAW, _line(record, raw=True))
        _append(self.root / PROCESSED, _line(record, raw=False))


def free_stem(stem: str, taken: set[str]) -> str:
    """``stem``, or ``stem-2`` and so on, such that no file of ``taken`` is written twice.

    Adds it to ``taken``. That of ``a`` is ``txt/a_asr.txt``, and so may be that of ``a_asr``.
    """
    for number in count(1):
        found = stem if number == 1 else f"{stem}-{number}"
        names = {found, f"{found}_asr", f"{found}_function"}
        if taken.isdisjoint(names):
            break
    taken |= names
    return found


def files_of(record: Record, *, chunk_s: float) -> dict[str, bytes | None]:
    """Paths below the folder to contents; None for what this stream has not."""
    files: dict[str, bytes | None] = {}
    channels = {"": record.agent, "_asr": record.caller, "_function": record.function}
    for suffix, channel in channels.items():
        name = f"{record.stem}{suffix}"
        files[f"txt/{name}.txt"] = None if channel is None else f"{channel.text}\n".encode()
        files[f"ctm/{name}.ctm"] = None if channel is None else _ctm(record.stem, channel)
    said = record.said
    files[f"wav/{record.stem}.wav"] = None if said is None else wav([said])
    side = None if said is None else wav(side_by_side(record.heard, said, chunk_s=chunk_s))
    files[f"stereo/{record.stem}_input_output.wav"] = side
    return files


def side_by_side(heard: Floats, said: Floats, *, chunk_s: float) -> tuple[Floats, Floats]:
    """As a caller would hear both, float32 ``[n]`` each at 22 050 Hz: the answer to a chunk begins
    when the chunk has been said, so the output comes one chunk late."""
    late = np.concatenate([np.zeros(round(chunk_s * OUT_RATE), np.float32), said])
    asked = at_output_rate(heard)
    length = max(len(asked), len(late))
    first, second = (np.pad(one, (0, length - len(one))) for one in (asked, late))
    return first, second


def wav(channels: Sequence[Floats]) -> bytes:
    """16-bit WAV at 22 050 Hz; float32 ``[n]`` in [-1, 1] each, louder is clipped."""
    rounded = np.rint(np.stack(channels, 1) * 32_768.0)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(len(channels))
        out.setsampwidth(2)
        out.setframerate(OUT_RATE)
        out.writeframes(np.clip(rounded, -32_768, 32_767).astype("<i2").tobytes())
    return file.getvalue()


def _ctm(stem: str, channel: Channel) -> bytes:
    """``<stem> A <start> <duration> <token>`` in seconds; tokens of one frame share its 80 ms."""
    lines = []
    for frame, marks in groupby(channel.marks, key=lambda mark: mark.frame):
        # A field must be there and be one: a model's vocabulary may be padded beyond its tokenizer.
        tokens = ["_".join(mark.token.split()) or NAMELESS for mark in marks]
        each = FRAME_S / len(tokens)
        for place, token in enumerate(tokens):
            start = frame * FRAME_S + place * each
            lines.append(f"{stem} A {start:.3f} {each:.3f} {token}\n")
    return "".join(lines).encode()


def _line(record: Record, *, raw: bool) -> bytes:
    def told(channel: Channel | None) -> str:
        return "" if channel is None else channel.raw if raw else channel.told

    row: dict[str, Any] = {
        "id": record.stem,
        "target_text": "",  # what the agent should have said: no manifest has it
        "pred_audio": "" if record.said is None else f"wav/{record.stem}.wav",
        "src_text": record.reference,
        "pred_src_text": told(record.caller),
        "pred_text": told(record.agent),
        "pred_function_text": told(record.function),
        "output_capabilities": dict(record.capabilities),
        "system_prompt": record.system_prompt,
    }
    return (json.dumps(row, ensure_ascii=False) + "\n").encode()


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all, also when interrupted."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _append(path: Path, line: bytes) -> None:
    """All of the line, or none of it."""
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            if file.write(line) != len(line):
                raise OSError(f"{path}: the disk is full")
        except BaseException:
            file.truncate(before)
            raise

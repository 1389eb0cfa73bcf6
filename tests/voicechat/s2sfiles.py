"""Recordings for ``parley s2s``, the command on the tiny checkpoint, and what it wrote."""

from __future__ import annotations

import functools
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.audiofile import decode, probe
from gateway.cli import main

Pcm = npt.NDArray[np.int16]

SAMPLES = Path(__file__).parents[2] / "samples"
SMALL = ("s2s.device=cpu", "s2s.compute_dtype=float32", "streaming.max_len=200")
PARTS = ("", "_asr", "_function")
JSON = {"output_processed.json", "output_raw.json"}


@functools.cache
def spoken(name: str) -> Pcm:
    """One of samples/ at 16 kHz, from the caller's first word on."""
    recording = probe(SAMPLES / f"{name}.wav", caller_channel=None, max_minutes=1)
    pcm = np.concatenate([*decode(recording, max_minutes=1)])
    return pcm[np.argmax(np.abs(pcm.astype(int)) > 3_000) :]


def sample(name: str, *, seconds: float, rate: int = 16_000) -> Pcm:
    """So much of what its caller says."""
    return spoken(name)[: int(16_000 * seconds) : 16_000 // rate]


def put(path: Path, pcm: Pcm, *, rate: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if pcm.ndim == 1 else pcm.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.astype("<i2").tobytes())
    return path


def heard(path: Path) -> Pcm:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (22_050, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return pcm.reshape(-1, file.getnchannels())


def rows(file: Path) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {line["id"]: line for line in lines}


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def files_of(stem: str, *, aloud: bool = True) -> set[str]:
    texts = {f"{kind}/{stem}{part}.{kind}" for kind in ("txt", "ctm") for part in PARTS}
    return texts | ({f"wav/{stem}.wav", f"stereo/{stem}_input_output.wav"} if aloud else set())


def recordings(folder: Path) -> Path:
    """Two of different length and rate in a folder, and one that is none."""
    put(folder / "question.wav", sample("question", seconds=1.0))
    put(folder / "wrong number.wav", sample("wrong-number", seconds=0.7, rate=8_000), rate=8_000)
    (folder / "broken.wav").write_bytes(b"RIFF----WAVEnothing")
    return folder


def s2s(audio: Path, model: Path, out: Path, *words: str) -> int:
    """The command's exit code."""
    settings = [f"audio_file={audio}", f"s2s.model_path={model}", f"output_dir={out}"]
    return main(["s2s", *settings, *SMALL, *words])

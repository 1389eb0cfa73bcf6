"""Where a checkpoint's files are: a local folder, or a hub id whose snapshot is fetched once.

Only data is fetched: configs, tokenizer and safetensors, never code. Of the language model only
config and tokenizer are wanted; its weights are in the checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.errors import CheckpointError

RELEASED = "nvidia/NVIDIA-NemotronLabs-VoiceChat-11B"
NANO = "nvidia/NVIDIA-Nemotron-Nano-9B-v2"
REVISIONS = {
    RELEASED: "359ada7b1c60851e40ff08065f9b0340244f27e0",
    NANO: "6533e8de2c68e4536bf7c411d7a3ce5734111476",
}
"""What is fetched if no revision is asked for: what this code was written against."""

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ARTIFACTS = "llm_artifacts"
"""A folder of the checkpoint with the language model's config and tokenizer; not in every one."""

LLM_FILES = (CONFIG, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
FILES = (CONFIG, "*.safetensors", INDEX, f"{ARTIFACTS}/*.json")
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
CHUNK_BYTES = 1 << 23

Tell: TypeAlias = Callable[[float], object]
"""Is told, now and then, what share is done of something long: from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A file, byte for byte: its size in bytes, and the SHA-256 of what is in it."""

    size: int
    sha256: str


RELEASED_WEIGHTS: Final = Pinned(
    size=44_382_749_892,
    sha256="d553750c29434a6bb524377e17634c6cafdbf621892e643a77f406e51570354b",
)
"""``WEIGHTS`` of ``RELEASED`` at its revision; the hub says both of the file."""
REFETCH = f"hf download {RELEASED} {WEIGHTS} --revision {REVISIONS[RELEASED]} --force-download"
"""Without the last option a file that is there, in whatever state, is left as it is."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A checkpoint on this machine. ``llm`` has the language model's config and tokenizer."""

    path: Path
    config: VoiceChatConfig
    llm: Path
    weights: tuple[Path, ...]


def find(source: str | Path, revision: str | None = None) -> Folder:
    """A folder, or a hub id (``revision``: a commit of it). Raises ``CheckpointError``.

    Weights fetched as the released ones must have their size; a folder may hold any others.
    """
    path, name, released = Path(source), str(source), False
    if not path.is_dir():
        if not HUB_ID.fullmatch(name) or path.exists():
            raise CheckpointError(where=name, what="neither a folder nor a hub id")
        revision = revision or REVISIONS.get(name)
        path = _fetch(name, revision, FILES)
        released = (name, revision) == (RELEASED, REVISIONS[RELEASED])
    config = _config(path)
    weights = _weights(path)
    if released:
        _check_sizes(weights)
    return Folder(path, config, _llm(path, config.thinker.llm), weights)


def sha256(file: Path, tell: Tell | None = None) -> str:
    """Of all of a file, in hexadecimal; it is read once, and none of it is kept."""
    total, done, digest = file.stat().st_size, 0, hashlib.sha256()
    with file.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if tell is not None:
                tell(min(1.0, done / total))
    return digest.hexdigest()


def read_json(file: Path) -> dict[str, Any]:
    """Raises ``CheckpointError`` if there is no such file or no object in it."""
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(where=str(file), what="no such file") from error
    except ValueError as error:
        raise CheckpointError(where=str(file), what=f"not JSON: {error}") from error
    if not isinstance(plain, dict):
        raise CheckpointError(where=str(file), what="not a JSON object")
    return plain


def _config(path: Path) -> VoiceChatConfig:
    plain = read_json(path / CONFIG)
    try:
        return VoiceChatConfig.from_plain(plain)
    except CheckpointError as error:  # it knows the key, and not the folder
        where = str(path / error.where)
        raise CheckpointError(where=where, what=error.what, remedy=error.remedy) from error


def _llm(path: Path, named: str) -> Path:
    """Beside the weights if it is there, as a folder of any name; else from the hub."""
    for folder in (path / ARTIFACTS, path / named):
        if all((folder / file).is_file() for file in LLM_FILES[:2]):
            return folder
    if not HUB_ID.fullmatch(named) or (path / named).is_dir():
        raise CheckpointError(
            where=f"{path / CONFIG}: model.stt.model.pretrained_llm",
            what=f"no {' and '.join(LLM_FILES[:2])} in {ARTIFACTS} or {named}",
        )
    return _fetch(named, REVISIONS.get(named), LLM_FILES)


def _weights(path: Path) -> tuple[Path, ...]:
    """One file, or the shards that the index names."""
    if (path / WEIGHTS).is_file():
        return (path / WEIGHTS,)
    if not (path / INDEX).is_file():
        raise CheckpointError(where=str(path / WEIGHTS), what=f"no such file, nor {INDEX}")
    named = read_json(path / INDEX).get("weight_map")
    if not isinstance(named, dict) or not all(isinstance(n, str) for n in named.values()):
        raise CheckpointError(where=f"{path / INDEX}: weight_map", what="not names of files")
    shards = sorted({path / name for name in named.values()})
    for shard in shards:
        if not shard.is_file() or shard.parent != path:
            raise CheckpointError(where=str(shard), what=f"no such file, though {INDEX} names it")
    return tuple(shards)


def _check_sizes(weights: tuple[Path, ...]) -> None:
    """Cheap enough for every start, and what a broken download shows first."""
    for file in weights:
        size = file.stat().st_size
        if size != RELEASED_WEIGHTS.size:
            what = f"{size} bytes, where the released file has {RELEASED_WEIGHTS.size}"
            raise CheckpointError(where=str(file), what=what, remedy=f"fetch it anew: `{REFETCH}`")


def _fetch(name: str, revision: str | None, files: tuple[str, ...]) -> Path:
    try:
        folder = huggingface_hub.snapshot_download(
            name, revision=revision, allow_patterns=list(files)
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        pinned = f" --revision {revision}" if revision else ""
        raise CheckpointError(
            where=name,
            what=f"not in the cache, and cannot be fetched ({type(error).__name__})",
            remedy=f"`hf download {name}{pinned}` where there is a network, or name a folder",
        ) from error
    return Path(folder)

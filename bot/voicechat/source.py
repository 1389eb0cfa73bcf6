"""Where a checkpoint's files are: a local folder, or a hub id whose snapshot is fetched once.

Only data is fetched: configs, tokenizer and safetensors, never code. Of the language model only
config and tokenizer are wanted; its weights are in the checkpoint.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Folder:
    """A checkpoint on this machine. ``llm`` has the language model's config and tokenizer."""

    path: Path
    config: VoiceChatConfig
    llm: Path
    weights: tuple[Path, ...]


def find(source: str | Path, revision: str | None = None) -> Folder:
    """A folder, or a hub id (``revision``: a commit of it). Raises ``CheckpointError``."""
    path = Path(source)
    if not path.is_dir():
        if not HUB_ID.fullmatch(str(source)) or path.exists():
            raise CheckpointError(where=str(source), what="neither a folder nor a hub id")
        path = _fetch(str(source), revision, FILES)
    config = VoiceChatConfig.from_plain(read_json(path / CONFIG))
    return Folder(path, config, _llm(path, config.thinker.llm), _weights(path))


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
    return _fetch(named, None, LLM_FILES)


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


def _fetch(name: str, revision: str | None, files: tuple[str, ...]) -> Path:
    revision = revision or REVISIONS.get(name)
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

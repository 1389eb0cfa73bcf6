"""Where checkpoints come from and go to: shards, saved folders, the hub."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, TypeAlias

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bot.voicechat import source
from bot.voicechat.checkpoint import Checkpoint, open_checkpoint
from bot.voicechat.errors import CheckpointError
from bot.voicechat.source import (
    FILES,
    NANO,
    RELEASED,
    RELEASED_WEIGHTS,
    REVISIONS,
    Pinned,
    find,
    sha256,
)
from tests.voicechat.refusal import refusal

Tensors: TypeAlias = dict[str, Tensor]


def pin(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Take this one for the released one."""
    pinned = Pinned(file.stat().st_size, sha256(file))
    monkeypatch.setattr(source, "RELEASED_WEIGHTS", pinned)


def shard(folder: Path) -> list[Path]:
    """Split the weights in two."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    parts: list[Tensors] = [{}, {}]
    for place, name in enumerate(sorted(tensors)):
        parts[place % 2][name] = tensors[name]
    names = [f"model-0000{part}-of-00002.safetensors" for part in (1, 2)]
    for name, part in zip(names, parts, strict=True):
        save_file(part, folder / name)
    where = {key: name for name, part in zip(names, parts, strict=True) for key in part}
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    file.unlink()
    return [folder / name for name in names]


def same(one: Checkpoint, other: Checkpoint) -> bool:
    return one.stored.keys() == other.stored.keys() and all(
        torch.equal(one.tensor(name), other.tensor(name)) for name in one.stored
    )


def test_shards_are_read_like_one_file(tiny: Path, original: Path) -> None:
    shards = shard(tiny)
    assert same(open_checkpoint(tiny), open_checkpoint(original))
    shards[1].unlink()
    assert refusal(tiny).where == str(shards[1])


def test_a_tensor_in_two_shards_is_refused(tiny: Path) -> None:
    shards = shard(tiny)
    tensors = load_file(shards[0])
    name = next(iter(load_file(shards[1])))
    save_file(tensors | {name: torch.ones(1)}, shards[0])
    error = refusal(tiny)
    assert name in error.where
    assert "twice" in error.what


@pytest.mark.parametrize("sharded", [False, True])
def test_what_is_saved_loads_again(tiny: Path, tmp_path: Path, sharded: bool) -> None:
    if sharded:
        shard(tiny)
    before = open_checkpoint(tiny)
    before.save_pretrained(tmp_path / "saved")
    after = open_checkpoint(tmp_path / "saved")
    assert same(before, after)
    assert after.config == before.config
    assert after.llm.to_dict() == before.llm.to_dict()
    assert after.tokenizer.to_str() == before.tokenizer.to_str()
    assert after.folder.llm == tmp_path / "saved" / "llm_artifacts"
    with pytest.raises(CheckpointError, match="not empty"):
        before.save_pretrained(tmp_path / "saved")


def test_a_golden_case_saved_stands_alone(case: Any, tmp_path: Path) -> None:
    before = open_checkpoint(case.folder)
    before.save_pretrained(tmp_path / "saved")
    assert same(before, open_checkpoint(tmp_path / "saved"))


@pytest.mark.parametrize("name", ["nowhere", "/no/such/folder", "a/b/c"])
def test_what_is_neither_folder_nor_id_is_told(name: str) -> None:
    assert refusal(name).what == "neither a folder nor a hub id"


def test_the_released_model_comes_at_its_pinned_revision(
    monkeypatch: pytest.MonkeyPatch, original: Path
) -> None:
    asked: list[tuple[str, object, object]] = []

    def snapshot(name: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((name, revision, allow_patterns))
        return str(original)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    pin(monkeypatch, original / "model.safetensors")
    assert open_checkpoint(RELEASED).folder.path == original
    open_checkpoint(RELEASED, "abc")
    open_checkpoint("someone/else")
    assert asked == [
        (RELEASED, REVISIONS[RELEASED], list(FILES)),
        (RELEASED, "abc", list(FILES)),
        ("someone/else", None, list(FILES)),
    ]
    assert not any(pattern.endswith(".py") for pattern in FILES)


def test_what_is_fetched_as_the_released_weights_has_their_size(
    monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tiny))
    weights = tiny / "model.safetensors"
    size = weights.stat().st_size
    for revision in (None, REVISIONS[RELEASED]):
        with pytest.raises(CheckpointError) as raised:
            find(RELEASED, revision)
        assert raised.value.where == str(weights)
        assert raised.value.what == f"{size} bytes, where the released file has 44382749892"
        assert raised.value.remedy.startswith("fetch it anew")
        assert "--force-download" in raised.value.remedy
    # Anything else may be of any size: another revision, another model, a folder of one's own.
    for name, revision in ((RELEASED, "abc"), ("someone/else", None), (tiny, None)):
        assert find(name, revision).weights == (weights,)
    pin(monkeypatch, weights)
    assert find(RELEASED).weights == (weights,)


def test_the_size_is_told_before_anything_else_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    shutil.rmtree(tiny / "llm_artifacts")
    asked: list[str] = []

    def snapshot(name: str, **_: object) -> str:
        asked.append(name)
        return str(tiny)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert "where the released file has" in refusal(RELEASED).what
    assert asked == [RELEASED]


def test_the_released_weights_have_a_size_and_a_sha256() -> None:
    assert RELEASED_WEIGHTS.size == 44_382_749_892
    assert len(bytes.fromhex(RELEASED_WEIGHTS.sha256)) == 32


@pytest.mark.parametrize("size", [0, 1, 1000, 1001, 4096])
def test_a_file_is_hashed_whole_and_its_progress_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int
) -> None:
    monkeypatch.setattr(source, "CHUNK_BYTES", 1000)
    file, data, told = tmp_path / "file", bytes(n % 251 for n in range(size)), list[float]()
    file.write_bytes(data)
    assert sha256(file, told.append) == sha256(file) == hashlib.sha256(data).hexdigest()
    assert len(told) == -(-size // 1000)
    assert told == sorted(told)
    assert told[-1:] == ([1.0] if size else [])


def test_without_artifacts_the_language_model_is_asked_for_at_its_pinned_revision(
    monkeypatch: pytest.MonkeyPatch, tiny: Path, tmp_path: Path
) -> None:
    elsewhere = (tiny / "llm_artifacts").rename(tmp_path / "nano")

    def snapshot(name: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        assert (name, revision) == (NANO, REVISIONS[NANO])
        assert not any("safetensors" in pattern for pattern in allow_patterns)
        return str(elsewhere)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    checkpoint = open_checkpoint(tiny)
    assert checkpoint.folder.llm == elsewhere
    checkpoint.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "llm_artifacts" / "tokenizer.json").is_file()


@pytest.mark.parametrize("error", [LocalEntryNotFoundError("no\nnetwork"), ConnectionError("off")])
def test_offline_it_is_one_line_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def snapshot(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    told = refusal(RELEASED)
    assert told.where == RELEASED
    assert f"hf download {RELEASED} --revision {REVISIONS[RELEASED]}" in told.remedy

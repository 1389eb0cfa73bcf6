"""Where checkpoints come from and go to: shards, saved folders, the hub."""

from __future__ import annotations

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

from bot.voicechat.checkpoint import Checkpoint, open_checkpoint
from bot.voicechat.errors import CheckpointError
from bot.voicechat.source import FILES, NANO, RELEASED, REVISIONS
from bot.voicechat.tiny import make_tiny

Tensors: TypeAlias = dict[str, Tensor]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture
def tiny(original: Path, tmp_path: Path) -> Path:
    """One to spoil."""
    return Path(shutil.copytree(original, tmp_path / "tiny"))


def refusal(folder: Path | str) -> CheckpointError:
    """What is said of it, at the latest when its values are read; in one line."""
    with pytest.raises(CheckpointError) as raised:
        open_checkpoint(folder).check_values()
    assert "\n" not in str(raised.value)
    return raised.value


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


@pytest.mark.parametrize("source", ["nowhere", "/no/such/folder", "a/b/c"])
def test_what_is_neither_folder_nor_id_is_told(source: str) -> None:
    assert refusal(source).what == "neither a folder nor a hub id"


def test_the_released_model_comes_at_its_pinned_revision(
    monkeypatch: pytest.MonkeyPatch, original: Path
) -> None:
    asked: list[tuple[str, object, object]] = []

    def snapshot(name: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((name, revision, allow_patterns))
        return str(original)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert open_checkpoint(RELEASED).folder.path == original
    open_checkpoint(RELEASED, "abc")
    open_checkpoint("someone/else")
    assert asked == [
        (RELEASED, REVISIONS[RELEASED], list(FILES)),
        (RELEASED, "abc", list(FILES)),
        ("someone/else", None, list(FILES)),
    ]
    assert not any(pattern.endswith(".py") for pattern in FILES)


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

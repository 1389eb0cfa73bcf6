"""A tiny checkpoint, and golden cases of the model: ``--golden DIR`` takes another folder's."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.tiny import make_tiny

# Of tensors so small the threads would wait for each other most of the time, and on a machine with
# other work for minutes.
torch.set_num_threads(1)


@dataclass(frozen=True)
class Case:
    """What NeMo recorded of a model of random weights: see the README beside the cases."""

    folder: Path

    @cached_property
    def config(self) -> VoiceChatConfig:
        plain = json.loads((self.folder / "config.json").read_text("utf-8"))
        return VoiceChatConfig.from_plain(plain)

    @cached_property
    def meta(self) -> dict[str, Any]:
        """Seeds, versions and texts."""
        return dict(json.loads((self.folder / "meta.json").read_text("utf-8")))

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """All tensors of the checkpoint."""
        return dict(load_file(self.folder / "model.safetensors"))

    def section(self, prefix: str) -> dict[str, Tensor]:
        """Those whose names begin with ``prefix``, without it."""
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.weights.items()
            if name.startswith(prefix)
        }

    def golden(self, stem: str) -> dict[str, Tensor]:
        """What was recorded, by key."""
        return dict(load_file(self.folder / f"{stem}.safetensors"))


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint that every test leaves as it is."""
    return make_tiny(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture
def tiny(original: Path, tmp_path: Path) -> Path:
    """One to spoil."""
    return Path(shutil.copytree(original, tmp_path / "tiny"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        folders = sorted(metafunc.config.getoption("--golden").glob("case_*"))
        metafunc.parametrize("case", [Case(one) for one in folders], ids=[f.name for f in folders])

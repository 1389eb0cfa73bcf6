"""The example of docs/voicechat.md runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from bot.voicechat.build import load
from bot.voicechat.duplex import Dictated
from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions
from bot.voicechat.turnpolicy import preset

PAGE = Path(__file__).parents[2] / "docs" / "voicechat.md"


def test_the_example_runs(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```python\n(model = load.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    monkeypatch.chdir(original.parent)
    assert original.name == "tiny"
    names: dict[str, Any] = {"load": load, "CallOptions": CallOptions, "preset": preset, "row": 3}
    names |= {"pcm": torch.zeros(8, FRAME), "mask": torch.arange(8) == 3}
    names |= {"samples": torch.full((8,), FRAME), "dictated": Dictated.nothing(8)}
    exec(example[1], names)
    assert names["state"].thinking.thinker.position.count_nonzero() == 1
    assert names["said"].text.shape == (8,)
    assert names["said"].pieces.shape == (8, 10)

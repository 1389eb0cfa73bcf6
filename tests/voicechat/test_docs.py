"""The example of docs/voicechat.md runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from bot.voicechat.build import load
from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions
from bot.voicechat.stepping import Inputs, Stepper
from bot.voicechat.turnpolicy import preset

PAGE = Path(__file__).parents[2] / "docs" / "voicechat.md"


def test_the_example_runs(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```python\n(model = load.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    monkeypatch.chdir(tiny.parent)
    assert tiny.name == "tiny"
    names: dict[str, Any] = {"load": load, "CallOptions": CallOptions, "preset": preset}
    names |= {"Stepper": Stepper, "Inputs": Inputs, "row": 3, "pcm": torch.zeros(FRAME)}
    exec(example[1], names)
    assert names["state"].thinking.thinker.position.nonzero().flatten().tolist() == [3]
    assert names["said"].text.shape == (8,)
    assert names["said"].pieces.shape == (8, 10)
    assert names["said"].pcm[3].any()
    assert not names["said"].pcm[2].any()

"""The released model's sizes, on the meta device: what the documentation says of bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.voicechat_model import parameters, sizes
from bot.voicechat.build import assemble
from bot.voicechat.model import VoiceChat
from bot.voicechat.rows import nbytes
from bot.voicechat.tiny import tiny_tokenizer

DOCUMENT = Path(__file__).parents[2] / "docs" / "voicechat.md"
LENGTH = 8192


def released(dtype: torch.dtype) -> VoiceChat:
    with torch.device("meta"):
        model = assemble(*sizes(full=True), tiny_tokenizer())
    model.llm.thinker.to(dtype)
    return model


def test_parameters_are_those_of_the_released_listening_half() -> None:
    assert parameters(released(torch.bfloat16)) == 613_733_760 + 9_475_429_888 + 8_943_105


@pytest.mark.parametrize(("dtype", "position"), [(torch.bfloat16, 16_384), (torch.float32, 32_768)])
def test_the_documented_bytes_of_a_row(dtype: torch.dtype, position: int) -> None:
    text, model = DOCUMENT.read_text("utf-8"), released(dtype)
    row = nbytes(model.new_state(1, LENGTH))
    assert row - nbytes(model.new_state(1, LENGTH - 1)) == position + 3 * 8
    assert f"{position:,}".replace(",", " ") in text
    assert f"**{row / 1e6:.1f} MB**" in text

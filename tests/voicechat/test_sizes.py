"""The released model's sizes, on the meta device: what the documentation says of bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.voicechat_model import Model, sizes
from benchmarks.voicechat_step import Rows
from bot.voicechat.duplex import DuplexLLM
from bot.voicechat.perception import Perception
from bot.voicechat.rnnt import Rnnt
from bot.voicechat.rows import nbytes
from bot.voicechat.thinker import Thinker

DOCUMENT = Path(__file__).parents[2] / "docs" / "voicechat.md"
LENGTH = 8192


def thinker(dtype: torch.dtype) -> Thinker:
    config, llm = sizes(full=True)
    with torch.device("meta"):
        made: Thinker = Thinker(config.thinker, llm).to(dtype)
    return made


def test_parameters_are_those_of_the_released_listening_half() -> None:
    config, _ = sizes(full=True)
    assert config.rnnt is not None
    parts = (
        Perception(config),
        thinker(torch.bfloat16),
        Rnnt(config.rnnt, width=config.encoder.width),
    )
    ears, mind, words = (sum(one.numel() for one in part.parameters()) for part in parts)
    assert (ears, mind, words) == (613_733_760, 9_475_429_888, 8_943_105)


@pytest.mark.parametrize(("dtype", "position"), [(torch.bfloat16, 16_384), (torch.float32, 32_768)])
def test_the_documented_bytes_of_a_row(dtype: torch.dtype, position: int) -> None:
    text = DOCUMENT.read_text("utf-8")
    config, llm = sizes(full=True)
    assert config.rnnt is not None
    brain = DuplexLLM(thinker(dtype))
    mind = nbytes(brain.new_state(1, LENGTH))
    assert mind - nbytes(brain.new_state(1, LENGTH - 1)) == position + 3 * 8
    others = (
        nbytes(Perception(config).new_state(1)),
        nbytes(Rnnt(config.rnnt, width=config.encoder.width).new_state(1)),
        llm.vocab_size,
    )
    assert f"{position:,}".replace(",", " ") in text
    assert f"**{(mind + sum(others)) / 1e6:.1f} MB**" in text


def test_a_whole_frame_asks_the_device_nothing() -> None:
    """So that it can be captured. On the meta device whatever wants a value on the host raises."""
    config, _ = sizes(full=True)
    assert config.rnnt is not None
    ears, mind = Perception(config), thinker(torch.bfloat16)
    ears.encoder.prepare()
    model = Model(ears, mind, Rnnt(config.rnnt, width=config.encoder.width))
    with torch.device("meta"):
        rows = Rows(model, rows=3, length=16)
        tokens, mask = torch.zeros(3, dtype=torch.int64), torch.ones(3, dtype=torch.bool)
        text, function, ids, count = rows.frame(torch.zeros(3, 1280), tokens, tokens, mask)
    assert all(one.is_meta for one in (text, function, ids, count))
    assert text.shape == function.shape == count.shape == (3,)

"""The released model's sizes, on the meta device: what the documentation says of bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.voicechat_model import parameters, sizes
from bot.voicechat.build import assemble, speaking_parts
from bot.voicechat.model import VoiceChat
from bot.voicechat.rows import nbytes
from bot.voicechat.speech import Speech
from bot.voicechat.stepping import Inputs, Stepper
from bot.voicechat.tiny import tiny_tokenizer

DOCUMENT = Path(__file__).parents[2] / "docs" / "voicechat.md"
LENGTH = 8192


def released(dtype: torch.dtype) -> VoiceChat:
    """Without values; speaking, but for what is computed of its weights."""
    config, llm = sizes(full=True)
    assert config.speech is not None
    with torch.device("meta"):
        model = assemble(config, llm, tiny_tokenizer())
        parts = speaking_parts(config.speech, ids=model.ids)
    model.llm.thinker.to(dtype)
    model.perception.encoder.prepare()
    return replace(model, speech=Speech(config.speech, *parts, latents={}))


def test_parameters_are_those_of_the_released_listening_half() -> None:
    model = released(torch.bfloat16)
    assert parameters(replace(model, speech=None)) == 613_733_760 + 9_475_429_888 + 8_943_105


@pytest.mark.parametrize(("dtype", "position"), [(torch.bfloat16, 16_384), (torch.float32, 32_768)])
def test_the_documented_bytes_of_a_row(dtype: torch.dtype, position: int) -> None:
    text, model = DOCUMENT.read_text("utf-8"), replace(released(dtype), speech=None)
    row = nbytes(model.new_state(1, LENGTH))
    assert row - nbytes(model.new_state(1, LENGTH - 1)) == position + 3 * 8
    assert f"{position:,}".replace(",", " ") in text
    assert f"**{row / 1e6:.1f} MB**" in text


def test_the_documented_bytes_of_a_speaking_row() -> None:
    text, speech = DOCUMENT.read_text("utf-8"), released(torch.bfloat16).speech
    assert speech is not None
    state = speech.new_state(1, 100)
    position = nbytes(speech.new_state(1, 101)) - nbytes(state)
    for count in (position, nbytes(state.codec)):
        assert f"{count:,}".replace(",", " ") in text


def test_a_frame_asks_the_device_nothing() -> None:
    """So that it can be captured: on the meta device whatever wants a value on the host raises."""
    model = replace(released(torch.bfloat16), speech=None)
    step = Stepper(model, model.new_state(3, 16))
    said = step(Inputs.nobody(3, device="meta"))
    assert all(one.is_meta for one in said if one is not None)
    assert said.pieces is not None
    assert said.pieces.shape == (3, 10)

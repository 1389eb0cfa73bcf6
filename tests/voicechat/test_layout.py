"""Names and shapes of the released 11B, counted from its configs alone."""

from __future__ import annotations

import pytest
import torch

from benchmarks.voicechat_model import sizes
from bot.voicechat.layout import layout

FIRST = "stt_model.llm.layers.0.mixer."


def test_the_released_model_has_997_tensors_and_10_billion_parameters() -> None:
    shapes = layout(*sizes(full=True))
    assert len(shapes) == 997
    for prefix, count, millions in (
        ("perception.", 640, 613.8),
        ("llm.", 339, 7714.0),
        ("rnnt_", 15, 8.94),
        ("function_head.", 1, 587.2),
        ("", 997, 10098.0),
    ):
        found = [shape for name, shape in shapes.items() if name.startswith(f"stt_model.{prefix}")]
        parameters = sum(torch.Size(shape).numel() for shape in found) / 1e6
        assert len(found) == count
        assert parameters == pytest.approx(millions, rel=1e-3)


def test_shapes_of_the_released_model() -> None:
    shapes = layout(*sizes(full=True))
    assert shapes[f"{FIRST}in_proj.weight"] == (22656, 4480)
    assert shapes[f"{FIRST}conv1d.weight"] == (12288, 1, 4)
    assert shapes["stt_model.llm.layers.14.mixer.q_proj.weight"] == (5120, 4480)
    assert shapes["stt_model.perception.encoder.pre_encode.out.weight"] == (1024, 4352)
    assert shapes["stt_model.rnnt_decoder.prediction.dec_rnn.lstm.weight_ih_l1"] == (2560, 640)
    assert "stt_model.asr_head.weight" not in shapes

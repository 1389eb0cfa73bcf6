"""Names and shapes of the released 11B, counted from its configs alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import NemotronHConfig

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.layout import layout
from bot.voicechat.tiny import tiny_config

FIRST = "stt_model.llm.layers.0.mixer."
RELEASED_PATTERN = "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-"


def released() -> tuple[VoiceChatConfig, Any]:
    """The sizes of the released 11B."""
    plain = tiny_config()
    perception = plain["model"]["stt"]["model"]["perception"]
    perception["output_dim"] = 4480
    perception["encoder"] |= {
        "n_layers": 24,
        "d_model": 1024,
        "n_heads": 8,
        "subsampling_conv_channels": 256,
        "att_context_size": [70, 0],
    }
    info = plain["_rnnt_merge_info"]
    info["decoder_config"]["prednet"] = {"pred_hidden": 640, "pred_rnn_layers": 2}
    info["joint_config"]["vocabulary"] = [f"p{piece}" for piece in range(1024)]
    info["joint_config"]["jointnet"]["joint_hidden"] = 640
    llm = NemotronHConfig(
        vocab_size=131072,
        hidden_size=4480,
        num_hidden_layers=56,
        hybrid_override_pattern=RELEASED_PATTERN,
        num_attention_heads=40,
        num_key_value_heads=8,
        head_dim=128,
        intermediate_size=15680,
        ssm_state_size=128,
        mamba_num_heads=128,
        mamba_head_dim=80,
        n_groups=8,
    )
    return VoiceChatConfig.from_plain(plain), llm


def test_the_released_model_has_997_tensors_and_10_billion_parameters() -> None:
    shapes = layout(*released())
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
    shapes = layout(*released())
    assert shapes[f"{FIRST}in_proj.weight"] == (22656, 4480)
    assert shapes[f"{FIRST}conv1d.weight"] == (12288, 1, 4)
    assert shapes["stt_model.llm.layers.14.mixer.q_proj.weight"] == (5120, 4480)
    assert shapes["stt_model.perception.encoder.pre_encode.out.weight"] == (1024, 4352)
    assert shapes["stt_model.rnnt_decoder.prediction.dec_rnn.lstm.weight_ih_l1"] == (2560, 640)
    assert "stt_model.asr_head.weight" not in shapes

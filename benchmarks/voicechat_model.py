"""The voicechat brain with random weights, as large as a toy or as the released model.

The steps are the same kernels over the same bytes whatever the values are, so speed and memory can
be measured without a checkpoint. Weights are made on the device they are for.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from transformers import NemotronHConfig

from bot.voicechat.build import assemble
from bot.voicechat.checkpoint import precision_of
from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.layout import STT, layout
from bot.voicechat.model import VoiceChat
from bot.voicechat.thinker import PARTS
from bot.voicechat.tiny import LLM, tiny_config, tiny_tokenizer
from bot.voicechat.turntaking import PieceKinds

SEED = 20260

FULL_LLM = {
    "vocab_size": 131_072,
    "hidden_size": 4480,
    "num_hidden_layers": 56,
    "hybrid_override_pattern": "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 15_680,
    "ssm_state_size": 128,
    "mamba_num_heads": 128,
    "mamba_head_dim": 80,
    "n_groups": 8,
    "conv_kernel": 4,
    "chunk_size": 128,
}
"""NVIDIA-Nemotron-Nano-9B-v2, the released model's backbone."""

FULL_ENCODER = {
    "n_layers": 24,
    "d_model": 1024,
    "n_heads": 8,
    "subsampling_conv_channels": 256,
    "att_context_size": [70, 0],
}
FULL_RNNT = {"pieces": 1024, "hidden": 640}


def sizes(*, full: bool) -> tuple[VoiceChatConfig, NemotronHConfig]:
    """Configurations of the toy or of the released model."""
    plain, llm = deepcopy(tiny_config()), dict(LLM)
    if full:
        llm |= FULL_LLM
        perception = plain["model"]["stt"]["model"]["perception"]
        perception["encoder"] |= FULL_ENCODER
        perception["output_dim"] = FULL_LLM["hidden_size"]
        info = plain["_rnnt_merge_info"]
        hidden = FULL_RNNT["hidden"]
        info["decoder_config"]["prednet"]["pred_hidden"] = hidden
        info["joint_config"]["vocabulary"] = [f"▁{n}" for n in range(FULL_RNNT["pieces"])]
        info["joint_config"]["jointnet"]["joint_hidden"] = hidden
    return VoiceChatConfig.from_plain(plain), NemotronHConfig(**llm)


class Weights:
    """Random tensors by their names in a checkpoint, made where they are used."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], device: torch.device) -> None:
        self._shapes, self._device = shapes, device
        self._generator = torch.Generator(device).manual_seed(SEED)

    def under(self, *parts: str, dtype: torch.dtype) -> dict[str, Tensor]:
        """Those whose names begin so after ``stt_model.``, without that."""
        return {
            name.removeprefix(STT): self._drawn(name, shape, dtype)
            for name, shape in self._shapes.items()
            if name.removeprefix(STT).startswith(parts)
        }

    def _drawn(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Of a size that keeps activations finite; filters and window are not negative."""
        exact = precision_of(name, dtype)
        tensor = torch.empty(shape, dtype=exact, device=self._device)
        if "norm" in name and name.endswith("weight"):
            return tensor.fill_(1.0)
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1000
        tensor.normal_(0.0, fan_in**-0.5, generator=self._generator)
        return tensor.abs_() if "featurizer" in name else tensor


def random_model(*, full: bool, dtype: torch.dtype, device: torch.device) -> VoiceChat:
    """Ears and transcript in float32, the thinker in ``dtype``."""
    config, llm = sizes(full=full)
    weights = Weights(layout(config, llm), device)
    with torch.device("meta"):
        model = assemble(config, llm, tiny_tokenizer())
    assert model.rnnt is not None
    ears = weights.under("perception.", dtype=torch.float32)
    model.perception.load({name.removeprefix("perception."): one for name, one in ears.items()})
    model.llm.thinker.load(weights.under(*PARTS, dtype=dtype))
    model.rnnt.load(weights.under("rnnt_", dtype=torch.float32))
    return replace(model, kinds=PieceKinds.of(model.rnnt.config.pieces, device=device))


def parameters(model: VoiceChat) -> int:
    """How many there are."""
    parts = (model.perception, model.llm.thinker, model.rnnt)
    return sum(one.numel() for part in parts if part is not None for one in part.parameters())

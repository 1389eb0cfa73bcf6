"""The voicechat brain with random weights, as large as a toy or as the released model.

The steps are the same kernels over the same bytes whatever the values are, so speed and memory can
be measured without a checkpoint. Weights are made on the device they are for.
"""

from __future__ import annotations

import argparse
import platform
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers import NemotronHConfig

from bot.voicechat import speechlayout
from bot.voicechat.build import assemble, speaking_parts
from bot.voicechat.checkpoint import precision_of
from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.devices import DTYPES
from bot.voicechat.layout import STT, layout
from bot.voicechat.model import VoiceChat
from bot.voicechat.precision import PARITY, PRODUCTION, Profile
from bot.voicechat.speech import Speech
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.speechlayout import CODEC, TTS
from bot.voicechat.subwords import SubwordTable
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
FULL_ATTENTION = {
    "hidden_size": 1152,
    "intermediate_size": 4608,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "head_dim": 72,
}
FULL_MIXTURE = {"intermediate_size": 4608, "num_layers": 3, "low_rank": 64, "num_predictions": 1024}
FULL_CODEC = {
    "latent_size": 512,
    "base_hidden_size": 384,
    "num_blocks": 3,
    "codebook_size": 1024,
    "num_quantizers": 31,
}


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
        _enlarge(plain["model"]["speech_generation"]["model"])
    return VoiceChatConfig.from_plain(plain), NemotronHConfig(**llm)


def _enlarge(speech: dict[str, Any]) -> None:
    """The speaking half's configuration, to the released sizes."""
    tts = speech["tts_config"]
    for key in ("latent_size", "codebook_size", "num_quantizers"):
        tts[key] = FULL_CODEC[key]
    tts["backbone_config"] |= FULL_ATTENTION | {"num_hidden_layers": 28}
    tts["cas_config"]["backbone_config"]["encoder"] |= FULL_ATTENTION | {"num_hidden_layers": 1}
    tts["mog_head_config"] |= FULL_MIXTURE
    speech["codec_config"] |= FULL_CODEC


class Weights:
    """Random tensors by their names in a checkpoint, made where they are used."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], device: torch.device) -> None:
        self._shapes, self._device = shapes, device
        self._generator = torch.Generator(device).manual_seed(SEED)

    def under(
        self, prefix: str, *parts: str, dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        """Those whose names begin with ``prefix`` and go on with one of ``parts``, without it."""
        return {
            name.removeprefix(prefix): self._drawn(name, shape, dtype)
            for name, shape in self._shapes.items()
            if name.startswith(prefix) and name.removeprefix(prefix).startswith(parts)
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


def random_model(
    *,
    full: bool,
    dtype: torch.dtype,
    device: torch.device,
    memory: torch.dtype = torch.float32,
    guided: bool = True,
) -> VoiceChat:
    """The thinker in ``dtype``, the talker's keys and values in ``memory``, all else in float32."""
    config, llm = sizes(full=full)
    assert config.speech is not None
    speech = config.speech if guided else replace(config.speech, guidance=0.0)
    shapes = layout(config, llm) | speechlayout.layout(speech, vocabulary=llm.vocab_size)
    weights = Weights(shapes, device)
    with torch.device("meta"):
        model = assemble(config, llm, tiny_tokenizer())
        parts = speaking_parts(speech, ids=model.ids)
    assert model.rnnt is not None
    model.perception.load(weights.under(f"{STT}perception.", ""))
    model.llm.thinker.load(weights.under(STT, *PARTS, dtype=dtype))
    model.rnnt.load(weights.under(STT, "rnnt_"))
    kinds = PieceKinds.of(model.rnnt.config.pieces, device=device)
    words, silence = _words(speech, llm.vocab_size, device), _codes(speech, device)
    own = weights.under(TTS, "")
    rest = {name: one for name, one in own.items() if not name.startswith("embed_subword.")}
    parts.talker.load(rest, words=words, silence=silence)
    parts.decoder.load(weights.under(CODEC, "prvq.mus_list.", "decoder."))
    latents = {"random": torch.randn(1, speech.prompt_frames, speech.backbone.hidden).to(device)}
    return replace(
        model, kinds=kinds, speech=Speech(speech, *parts, latents=latents, memory=memory)
    )


def _words(speech: SpeechConfig, vocabulary: int, device: torch.device) -> SubwordTable:
    """A row for each token, without spelling one."""
    width = speech.backbone.hidden
    kinds = torch.zeros(vocabulary, dtype=torch.int64, device=device)
    rows = torch.randn(vocabulary, width, device=device)
    return SubwordTable(rows=rows, flags=torch.zeros(6, width, device=device), kinds=kinds)


def _codes(speech: SpeechConfig, device: torch.device) -> Tensor:
    codec = speech.codec
    return torch.randint(codec.entries, (codec.codebooks,), device=device)


def parameters(model: VoiceChat) -> int:
    """How many there are."""
    parts: list[nn.Module | None] = [model.perception, model.llm.thinker, model.rnnt]
    if model.speech is not None:
        parts += [model.speech.talker, model.speech.decoder]
    return sum(one.numel() for part in parts if part is not None for one in part.parameters())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those that say which model it is, and where it runs."""
    cuda = torch.cuda.is_available()
    parser.add_argument("--full-size", action="store_true", help="the released model's shapes")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16", help="of the thinker")
    parser.add_argument("--memory", choices=DTYPES, default="float32", help="of the talker")
    parser.add_argument("--no-guidance", action="store_true", help="one stream of the talker")
    parser.add_argument("--graphs", action="store_true", help="steps as CUDA graphs")
    parser.add_argument("--device", default="cuda" if cuda else "cpu")


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The command line. Ends the program if it asks for graphs without a GPU."""
    chosen = parser.parse_args()
    if chosen.graphs and not chosen.device.startswith("cuda"):
        parser.error("--graphs: CUDA graphs need a CUDA device")
    return chosen


def profile_of(chosen: argparse.Namespace) -> Profile:
    """Its switches hold for making and stepping the model."""
    return PRODUCTION if DTYPES[chosen.dtype] == PRODUCTION.thinker else PARITY


def chosen_model(chosen: argparse.Namespace) -> VoiceChat:
    """As ``add_arguments`` has it."""
    return random_model(
        full=chosen.full_size,
        dtype=DTYPES[chosen.dtype],
        device=torch.device(chosen.device),
        memory=DTYPES[chosen.memory],
        guided=not chosen.no_guidance,
    )


def machine(device: torch.device) -> str:
    """What it runs on, in a line."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return f"{name}, {torch.get_num_threads()} CPU threads, {versions}"

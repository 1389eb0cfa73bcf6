"""The speaking half of the tiny checkpoint: the released config's keys, at widths a laptop runs.

What is read at inference is the released model's but for the widths: a window of 7500 positions,
guidance 0.2, a nucleus of 0.95, noise 0.001, one voice of 37 frames. The values are drawn as those
of a fresh model are, so that codes differ from frame to frame and what is decoded of them is a
noise neither silent nor clipped.
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any, Final

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from bot.voicechat.layout import Shape
from bot.voicechat.source import NANO
from bot.voicechat.special import SpecialTokens
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.speechlayout import CODEC, CONTROL, SILENCE, TTS, VOICES, layout, optional

VOICE: Final = "Aria"
WIDTH: Final = 48
LATENT: Final = 32
ENTRIES: Final = 64
CODEBOOKS: Final = 8
FLAGS: Final = f"{TTS}embed_subword."
BEGINS_A_WORD: Final = ("Ġ", "▁", "<")
"""A token that begins so begins a word, or is special; any other goes on with one."""


def tiny_speech() -> dict[str, Any]:
    """``model.speech_generation`` of ``config.json``; the caller's own."""
    return deepcopy(_SPEECH)


def speech_tensors(
    speech: SpeechConfig, tokenizer: Tokenizer, *, vocabulary: int, rng: np.random.Generator
) -> dict[str, Tensor]:
    """All ``tts_model.*``, one voice and the silent frame's codes among them."""
    shapes = layout(speech, vocabulary=vocabulary)
    shapes |= optional(speech, [SILENCE, VOICES + VOICE])
    tensors = {name: _drawn(name, shapes[name], rng) for name in sorted(shapes)}
    entries, books = speech.codec.entries, range(speech.codec.codebooks)
    tensors[f"{TTS}rvq_embs"] = torch.stack([tensors[f"{CODEC}prvq.mus_list.{n}"] for n in books])
    # Its first rows become magnitudes by the exponential: moderate ones. The rest are phases: any.
    tensors[_last_layer(speech)][: speech.codec.n_fft // 2 + 1] *= 0.1
    tensors[CONTROL] = torch.tensor([entries + 2, entries + 1, entries])
    tensors[SILENCE] = torch.from_numpy(rng.integers(entries, size=len(books)))
    return tensors | _flags(tokenizer, vocabulary=vocabulary)


def _last_layer(speech: SpeechConfig) -> str:
    """Of the codec's decoder: a spectrum comes out of it."""
    last = len(speech.codec.rates) * (speech.codec.blocks + 1)
    return f"{CODEC}decoder.layers.{last}.weight"


def _flags(tokenizer: Tokenizer, *, vocabulary: int) -> dict[str, Tensor]:
    """What is known of each token by its raw string, or by its id; padding comes last."""
    goes_on = torch.zeros(vocabulary + 1, dtype=torch.int64)
    for text, token in tokenizer.get_vocab(with_added_tokens=True).items():
        goes_on[token] = not text.startswith(BEGINS_A_WORD)
    special, ids = torch.zeros(vocabulary, dtype=torch.int64), SpecialTokens()
    special[ids.bos], special[ids.eos] = 1, 2
    return {
        f"{FLAGS}subword_flag_emb.is_continuation": goes_on,
        f"{FLAGS}subword_flag_emb.pad_tensor": torch.tensor(vocabulary),
        f"{FLAGS}bos_eos_emb.special_flags": special,
        f"{FLAGS}bos_eos_emb.pad_tensor": torch.tensor(vocabulary - 1),
    }


def _drawn(name: str, shape: Shape, rng: np.random.Generator) -> Tensor:
    """Values of one tensor, fp32; of those that hold no drawn values, only the place."""
    values = _centre(name) + _spread(name, shape) * rng.standard_normal(shape)
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def _centre(name: str) -> float:
    """The codec's norms scale by their weight, the talker's by one more than it."""
    return float(name.startswith(CODEC) and name.endswith(("norm.weight", ".variance")))


def _spread(name: str, shape: Shape) -> float:
    """Standard deviation: what keeps the size of activations, and codes apart from each other."""
    if name.endswith(".variance"):
        return 0.0
    if ".mus_list." in name:  # each quantises what the one before it has left over
        return 0.7 ** int(name.rpartition(".")[2])
    if name.startswith(VOICES) or name.endswith(("bos_emb", "null_emb", "_emb.weight")):
        return 0.5
    if len(shape) < 2:
        return 0.1
    if name.endswith("low_mat"):
        return 1 / math.sqrt(shape[-1])
    if name.startswith(f"{CODEC}decoder.") and name.endswith(".weight") and _transposed(shape):
        return 1 / math.sqrt(shape[0])
    # Chances are even among few components, so what chooses is sharper than a layer.
    gain = 3.0 if name.endswith("proj_logits.weight") else 1.0
    return gain / math.sqrt(math.prod(shape[1:]))


def _transposed(shape: Shape) -> bool:
    """A transposed convolution is ``[in, out, rate]``; the others are pointwise or depthwise."""
    return shape[1] > 1 and shape[2] > 1


_ATTENTION: Final = {
    "hidden_size": WIDTH,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": WIDTH // 4,
}

_TTS: Final = {
    "use_gated_fusion_for_text_audio": True,
    "disable_eos_prediction": True,
    "use_bos_eos_emb": True,
    "use_subword_flag_emb": True,
    "use_audio_prompt_frozen_projection": True,
    "num_delay_speech_tokens": 2,
    "random_target_masking": False,
    "context_hidden_size": None,
    "latent_size": LATENT,
    "codebook_size": ENTRIES,
    "num_quantizers": CODEBOOKS,
    "exponent": 3.0,
    "backbone_type": "gemma3_text",
    "backbone_config": _ATTENTION
    | {
        "intermediate_size": 96,
        "num_hidden_layers": 6,  # of which the last sees all positions
        "attention_dropout": 0.1,
        "sliding_window": 7500,
        "use_cache": False,
    },
    "cas_config": {
        "backbone_type": "t5gemma",
        "backbone_config": {
            "is_encoder_decoder": False,
            "encoder": _ATTENTION | {"intermediate_size": 96, "num_hidden_layers": 1},
        },
    },
    "mog_head_config": {
        "intermediate_size": 96,
        "num_layers": 3,
        "low_rank": 4,
        "num_predictions": 32,
        "min_log_std": -4.0,
        "eps": 1e-6,
    },
}

_CODEC: Final = {
    "latent_size": LATENT,
    "n_fft": 16,
    "hop_length": 4,
    "base_hidden_size": 8,
    "channel_mult": [1, 2, 4],
    "rates": [7, 7, 9],
    "num_blocks": 3,
    "kernel_size": 7,
    "groups": 1,
    "codebook_size": ENTRIES,
    "num_quantizers": CODEBOOKS,
    "wav_to_token_ratio": 1764,
}

_SPEECH: Final = {
    "model": {
        "pretrained_lm_name": NANO,
        "inference_guidance_scale": 0.2,
        "inference_guidance_enabled": True,
        "inference_top_p_or_k": 0.95,
        "inference_noise_scale": 0.001,
        "inference_force_speech_silence_on_eos": True,
        "audio_codec_run_dtype": "float32",
        "tts_config": _TTS,
        "codec_config": _CODEC,
    },
    "data": {
        "frame_length": 0.08,
        "source_sample_rate": 22_050,
        "target_sample_rate": 22_050,
        "audio_prompt_duration": 3.0,
    },
}

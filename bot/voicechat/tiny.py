"""A random checkpoint in the layout of the released 11B, at widths that a laptop runs.

Its tensor names, config keys and special ids are the released ones: function head, no ASR head,
RNN-T, function channel weighted 2.0, a talker with one voice (``tinyspeech``). It says nothing
sensible. The values are drawn as those of a freshly initialised model are, so that activations
neither vanish nor explode; the RNN-T leans towards the blank.
"""

from __future__ import annotations

import json
import math
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import NemotronHConfig
from transformers.audio_utils import mel_filter_bank

from bot.voicechat.checkpoint import empty_folder
from bot.voicechat.config import SAMPLE_RATE, MelConfig, VoiceChatConfig
from bot.voicechat.layout import STT, layout
from bot.voicechat.source import ARTIFACTS, CONFIG, NANO, WEIGHTS
from bot.voicechat.tinyspeech import VOICE, speech_tensors, tiny_speech

WIDTH: Final = 64
VOCABULARY: Final = 384
SPECIALS: Final = 32
LEARNT: Final = (" the", " you", " and", " hello", " can", " I", " help", " number", "ing", "er")
"""Pieces of more than one byte."""
PAD_TOKEN: Final = "<SPECIAL_12>"

LLM: Final[dict[str, Any]] = {
    "architectures": ["NemotronHForCausalLM"],
    "model_type": "nemotron_h",
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 7,
    "hybrid_override_pattern": "M-M*-M-",
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 24,  # as in the released one, heads times this is not the hidden size
    "intermediate_size": 128,
    "mlp_hidden_act": "relu2",
    "ssm_state_size": 16,
    "mamba_num_heads": 8,
    "mamba_head_dim": 16,
    "n_groups": 2,
    "conv_kernel": 4,
    "chunk_size": 16,
    "layer_norm_epsilon": 1e-5,
    "max_position_embeddings": 8192,
    "bos_token_id": 1,
    "eos_token_id": 12,
    "pad_token_id": 0,
}


def make_tiny(folder: str | Path, *, seed: int = 0) -> Path:
    """Write it into a new or empty folder; the same bytes for the same seed. About 4 MB.

    Raises ``CheckpointError`` if something is in the folder.
    """
    path = empty_folder(folder)
    plain = tiny_config()
    llm = NemotronHConfig(**LLM)
    config, tokenizer = VoiceChatConfig.from_plain(plain), tiny_tokenizer()
    shapes = layout(config, llm)
    rng = np.random.default_rng(seed)
    tensors = {name: _drawn(name, shapes[name], rng) for name in sorted(shapes)}
    if config.speech is not None:
        tensors |= speech_tensors(config.speech, tokenizer, vocabulary=VOCABULARY, rng=rng)
    save_file(tensors, path / WEIGHTS)
    _write(path / CONFIG, plain)
    artifacts = path / ARTIFACTS
    artifacts.mkdir()
    _write(artifacts / CONFIG, LLM)
    tokenizer.save(str(artifacts / "tokenizer.json"))
    tokens = {"bos_token": "<s>", "eos_token": PAD_TOKEN, "unk_token": "<unk>"}
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    _write(artifacts / "tokenizer_config.json", kind | tokens)
    return path


def tiny_config() -> dict[str, Any]:
    """``config.json``, with the released one's keys that matter at inference; the caller's own."""
    stt = {
        "pretrained_llm": NANO,
        "pretrained_weights": False,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": PAD_TOKEN,
        "duplex_user_channel_weight": 1.0,
        "duplex_text_channel_weight": 1.0,
        "duplex_function_channel_weight": 2.0,
        "predict_user_text": False,
        "use_separate_asr_head": False,
        "use_function_head": True,
        "perception": {
            "preprocessor": deepcopy(_PREPROCESSOR),
            "encoder": deepcopy(_ENCODER),
            "modality_adapter": {"d_model": WIDTH},
            "output_dim": WIDTH,
        },
    }
    data = {"frame_length": 0.08, "source_sample_rate": 16_000, "target_sample_rate": 22_050}
    return {
        "model": {
            "stt": {"model": stt, "data": data},
            "speech_generation": tiny_speech(),
            "inference_speaker_name": VOICE,
        },
        "data": data,
        "_rnnt_merge_info": _rnnt_info(),
    }


def tiny_tokenizer() -> Tokenizer:
    """Byte-level BPE: 32 special tokens, the 256 bytes, a few words."""
    names = ["<unk>", "<s>", "</s>", *(f"<SPECIAL_{n}>" for n in range(3, SPECIALS))]
    vocabulary = {name: token for token, name in enumerate(names)}
    for byte in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocabulary[byte] = len(vocabulary)
    merges: list[tuple[str, str]] = []
    for word in (word.replace(" ", "Ġ") for word in LEARNT):  # how byte level spells a space
        for end in range(1, len(word)):
            if word[: end + 1] not in vocabulary:
                merges.append((word[:end], word[end]))
                vocabulary[word[: end + 1]] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(name, special=True, normalized=False) for name in names]
    )
    return tokenizer


_PREPROCESSOR: Final = {
    "sample_rate": 16_000,
    "normalize": "NA",
    "window_size": 0.025,
    "window_stride": 0.01,
    "window": "hann",
    "features": 128,
    "n_fft": 512,
    "dither": 1e-5,
    "pad_to": 0,
}

_ENCODER: Final = {
    "feat_in": 128,
    "n_layers": 2,
    "d_model": WIDTH,
    "n_heads": 4,
    "ff_expansion_factor": 4,
    "use_bias": False,
    "subsampling": "dw_striding",
    "subsampling_factor": 8,
    "subsampling_conv_channels": 16,
    "causal_downsampling": True,
    "self_attention_model": "rel_pos",
    "att_context_size": [[16, 0], [16, 1], [16, 3]],
    "att_context_style": "chunked_limited",
    "xscaling": False,
    "conv_kernel_size": 9,
    "conv_norm_type": "layer_norm",
    "conv_context_size": "causal",
}


def _rnnt_info() -> dict[str, Any]:
    letters = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]
    pieces = ["<unk>", "▁", "'", *(f"▁{letter}" for letter in letters), *letters]
    hidden = 32
    return {
        "decoder_config": {
            "vocab_size": len(pieces),
            "blank_as_pad": True,
            "prednet": {"pred_hidden": hidden, "pred_rnn_layers": 2},
        },
        "joint_config": {
            "num_classes": len(pieces),
            "vocabulary": pieces,
            "jointnet": {
                "encoder_hidden": WIDTH,
                "pred_hidden": hidden,
                "joint_hidden": hidden,
                "activation": "relu",
            },
        },
    }


def _drawn(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    """Values of one tensor, fp32."""
    if name.endswith(".fb"):
        values = _filters()
    elif name.endswith(".window"):
        values = np.hanning(shape[0])
    elif name.endswith(".A_log"):
        values = np.log(rng.uniform(1.0, 16.0, shape))
    elif name.endswith(".dt_bias"):  # so that softplus of it is a time step between 0.001 and 0.1
        step = np.exp(rng.uniform(math.log(0.001), math.log(0.1), shape))
        values = step + np.log(-np.expm1(-step))
    elif name.endswith(".D"):
        values = np.ones(shape)
    else:
        values = _centre(name) + _spread(name, shape) * rng.standard_normal(shape)
        values = _blank(name, values)
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _centre(name: str) -> float:
    """Norms scale by about one."""
    return float("norm" in name and name.endswith(".weight"))


def _spread(name: str, shape: tuple[int, ...]) -> float:
    """Standard deviation: what keeps the size of activations, and logits apart from each other."""
    if len(shape) == 1 or "pos_bias" in name:
        return 0.1
    if "embed" in name:
        return 1.0
    # Chances are even among few words, so a head is sharper than a layer.
    gain = 3.0 if name.endswith("_head.weight") else 1.0
    return gain / math.sqrt(math.prod(shape[1:]))


def _blank(name: str, values: np.ndarray) -> np.ndarray:
    """RNN-T: the blank's embedding is padding, and most frames of a call have no new piece."""
    if name == f"{STT}rnnt_decoder.prediction.embed.weight":
        values[-1] = 0.0
    elif name == f"{STT}rnnt_joint.joint_net.2.bias":
        values[-1] += 2.0
    return values


def _filters() -> np.ndarray:
    """The mel filters that NeMo's front end has: Slaney's scale and norm, ``[1, 128, 257]``."""
    mel = MelConfig()
    bank = mel_filter_bank(
        num_frequency_bins=mel.n_fft // 2 + 1,
        num_mel_filters=mel.bins,
        min_frequency=0.0,
        max_frequency=SAMPLE_RATE / 2,
        sampling_rate=SAMPLE_RATE,
        norm="slaney",
        mel_scale="slaney",
    )
    return np.asarray(bank.T[None])


def _write(file: Path, plain: dict[str, Any]) -> None:
    file.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

"""Names and shapes of the released 11B's speaking half, counted from its config alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.speechlayout import SILENCE, VOICES, layout, optional
from bot.voicechat.tiny import tiny_config
from bot.voicechat.tinyspeech import tiny_speech

VOCABULARY = 131_072
TTS, CODEC = "tts_model.tts_model.", "tts_model.audio_codec."
WIDE = {
    "hidden_size": 1152,
    "intermediate_size": 4608,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "head_dim": 72,
}


def released(**changed: Any) -> SpeechConfig:
    """The sizes of the released 11B, keys of ``tts_config`` changed."""
    speech = tiny_speech()
    tts, codec = speech["model"]["tts_config"], speech["model"]["codec_config"]
    tts["backbone_config"] |= WIDE | {"num_hidden_layers": 28}
    tts["cas_config"]["backbone_config"]["encoder"] |= WIDE
    tts["mog_head_config"] |= {
        "intermediate_size": 4608,
        "low_rank": 64,
        "num_predictions": 1024,
    }
    for section in (tts, codec):
        section |= {"latent_size": 512, "codebook_size": 1024, "num_quantizers": 31}
    codec["base_hidden_size"] = 384
    tts |= changed
    plain = tiny_config()
    plain["model"]["speech_generation"] = speech
    config = VoiceChatConfig.from_plain(plain).speech
    assert config is not None
    return config


def test_the_released_model_has_635_tensors_and_its_parameters() -> None:
    speech = released()
    shapes = layout(speech, vocabulary=VOCABULARY)
    assert shapes.keys().isdisjoint(optional(speech, [SILENCE, f"{VOICES}Aria"]))
    shapes |= optional(speech, [SILENCE, f"{VOICES}Aria"])
    for prefix, count, millions in (
        ("", 635, 996.97),
        (TTS, 418, 797.0),
        (f"{TTS}backbone.", 365, 594.68),
        (f"{TTS}embed_subword.", 20, 22.87),
        (f"{TTS}gated_fusion_audio_text.", 7, 2.66),
        (f"{TTS}mog_head.", 21, 158.6),
        (f"{TTS}rvq_embs", 1, 16.25),
        (CODEC, 214, 199.94),
        (f"{CODEC}encoder.", 76, 91.85),
        (f"{CODEC}decoder.", 76, 91.85),
        (f"{CODEC}prvq.", 62, 16.25),
        ("tts_model._control_codes", 1, 0),
        ("tts_model.codec_silence_tokens", 1, 0),
        ("tts_model.audio_prompt_latents.", 1, 0.0426),
    ):
        found = [shape for name, shape in shapes.items() if name.startswith(prefix)]
        flags = 2 * VOCABULARY / 1e6 if prefix in ("", TTS, f"{TTS}embed_subword.") else 0
        parameters = sum(torch.Size(shape).numel() for shape in found) / 1e6 - flags
        assert len(found) == count, prefix
        assert parameters == pytest.approx(millions, rel=1e-3, abs=1e-4), prefix


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (f"{TTS}backbone.layers.27.self_attn.o_proj.weight", (1152, 1152)),
        (f"{TTS}backbone.layers.0.self_attn.k_norm.weight", (72,)),
        (f"{TTS}backbone.layers.5.mlp.down_proj.weight", (1152, 4608)),
        (f"{TTS}backbone.layers.5.post_feedforward_layernorm.weight", (1152,)),
        (f"{TTS}embed_code.weight", (1152, 512)),
        (f"{TTS}rvq_embs", (31, 1024, 512)),
        (f"{TTS}gated_fusion_audio_text.residual_scale", ()),
        (f"{TTS}embed_subword.embed_tokens.weight", (257, 1152)),
        (f"{TTS}embed_subword.subword_flag_emb.is_continuation", (131_073,)),
        (f"{TTS}embed_subword.bos_eos_emb.special_flags", (131_072,)),
        (f"{TTS}embed_subword.bos_eos_emb.special_emb.weight", (3, 1152)),
        (f"{TTS}mog_head.mlp_stack.3.weight", (1152,)),
        (f"{TTS}mog_head.proj_mus.weight", (65_536, 1152)),
        (f"{TTS}mog_head.low_mat", (1024, 512, 64)),
        (f"{CODEC}encoder.layers.0.weight", (384, 18, 1)),
        (f"{CODEC}encoder.layers.8.weight", (1536, 768, 7)),
        (f"{CODEC}encoder.layers.12.weight", (512, 1536, 9)),
        (f"{CODEC}decoder.layers.0.weight", (512, 1536, 9)),
        (f"{CODEC}decoder.layers.3.pwconv1.weight", (6144, 1536, 1)),
        (f"{CODEC}decoder.layers.8.weight", (768, 384, 7)),
        (f"{CODEC}decoder.layers.11.dwconv.weight", (384, 1, 7)),
        (f"{CODEC}decoder.layers.12.weight", (18, 384, 1)),
        (f"{CODEC}prvq._variance_list.30.variance", ()),
    ],
)
def test_shapes_of_the_released_model(name: str, shape: tuple[int, ...]) -> None:
    assert layout(released(), vocabulary=VOCABULARY)[name] == shape


def test_voices_have_any_name_and_one_shape() -> None:
    names = [f"{VOICES}Aria", f"{VOICES}Bo.2", SILENCE, "tts_model.x", f"{TTS}null_emb"]
    assert optional(released(), names) == {
        f"{VOICES}Aria": (1, 37, 1152),
        f"{VOICES}Bo.2": (1, 37, 1152),
        SILENCE: (31,),
    }
    assert optional(released(), []) == {}


def test_the_projection_is_there_where_the_config_says_so() -> None:
    name = f"{TTS}audio_prompt_projection_W"
    assert layout(released(), vocabulary=VOCABULARY)[name] == (1152, 1152)
    without = released(use_audio_prompt_frozen_projection=False)
    assert name not in layout(without, vocabulary=VOCABULARY)


def test_letters_of_another_width_are_refused() -> None:
    cas = tiny_speech()["model"]["tts_config"]["cas_config"]
    with pytest.raises(CheckpointError, match=r"encoder\.hidden_size: 48, but .* has 1152"):
        layout(released(cas_config=cas), vocabulary=VOCABULARY)


def test_golden_cases_have_these_names_and_shapes(case: Any) -> None:
    found = {name: tuple(t.shape) for name, t in case.weights.items() if name[:4] == "tts_"}
    vocabulary = found[f"{TTS}embed_subword.bos_eos_emb.special_flags"][0]
    speech = case.config.speech
    assert layout(speech, vocabulary=vocabulary) | optional(speech, found) == found

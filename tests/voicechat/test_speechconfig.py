"""What is read of ``model.speech_generation``; what is wrong there is named by its path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.tiny import tiny_config

SPEECH = "model.speech_generation"
OWN = f"{SPEECH}.model"
TTS, CODEC = f"{OWN}.tts_config", f"{OWN}.codec_config"
BACKBONE, MIXTURE = f"{TTS}.backbone_config", f"{TTS}.mog_head_config"
CAS = f"{TTS}.cas_config"
ENCODER = f"{CAS}.backbone_config.encoder"
GONE = object()


def with_keys(changed: dict[str, Any]) -> dict[str, Any]:
    """The tiny config with keys changed, or taken out."""
    plain: dict[str, Any] = json.loads(json.dumps(tiny_config()))
    for path, value in changed.items():
        *parts, last = path.split(".")
        section = plain
        for part in parts:
            section = section[part]
        if value is GONE:
            section.pop(last, None)
        else:
            section[last] = value
    return plain


def read(**changed: Any) -> SpeechConfig:
    """Of the tiny config, keys changed; ``__`` stands for a dot, capitals for the sections."""
    places = {"OWN": OWN, "TTS": TTS, "BACKBONE": BACKBONE, "ENCODER": ENCODER, "ROOT": "model"}
    paths: dict[str, Any] = {}
    for key, value in changed.items():
        place, _, name = key.partition("__")
        paths[f"{places[place]}.{name.replace('__', '.')}"] = value
    config = VoiceChatConfig.from_plain(with_keys(paths)).speech
    assert config is not None
    return config


def test_golden_configs_are_read_as_they_are(case: Any) -> None:
    plain = json.loads((case.folder / "config.json").read_text("utf-8"))["model"]
    own, speech = plain["speech_generation"]["model"], case.config.speech
    tts, codec = own["tts_config"], own["codec_config"]
    backbone, encoder = tts["backbone_config"], tts["cas_config"]["backbone_config"]["encoder"]
    layers = [layer == "full_attention" for layer in backbone["layer_types"]]
    assert speech.backbone.full == tuple(layers)
    assert speech.backbone.window == backbone["sliding_window"]
    assert speech.backbone.head_dim == backbone["head_dim"]
    assert (speech.backbone.theta_full, speech.backbone.theta_sliding) == (1e6, 1e4)
    assert speech.backbone.query_scalar == speech.spelling.query_scalar == 256
    assert (speech.spelling.theta, speech.spelling.softcap) == (1e4, 50)
    assert speech.spelling.layers == encoder["num_hidden_layers"]
    assert speech.mixture.components == tts["mog_head_config"]["num_predictions"]
    assert speech.mixture.least_log_std == -4
    assert (speech.codec.entries, speech.codec.codebooks, speech.codec.blocks) == (
        codec["codebook_size"],
        codec["num_quantizers"],
        codec["num_blocks"],
    )
    assert speech.codec.frame == 1764
    assert (speech.guidance, speech.top, speech.noise) == (0.5, 0.8, 0.8)
    assert speech.frozen_projection == tts["use_audio_prompt_frozen_projection"]
    seconds = plain["speech_generation"]["data"]["audio_prompt_duration"]
    assert speech.prompt_frames == int(seconds * 12.5)
    assert speech.speaker == plain.get("inference_speaker_name")


def test_the_released_values_come_from_the_file() -> None:
    speech = read()
    assert (speech.guidance, speech.top, speech.noise) == (0.2, 0.95, 0.001)
    assert (speech.backbone.window, speech.prompt_frames, speech.speaker) == (7500, 37, "Aria")
    assert (speech.frozen_projection, speech.silence_on_eos) == (True, True)
    assert speech.backbone.full == (False,) * 5 + (True,)  # every sixth


def test_what_the_file_leaves_out_is_as_in_nemo() -> None:
    speech = read(
        OWN__inference_guidance_scale=GONE,
        OWN__inference_top_p_or_k=GONE,
        OWN__inference_noise_scale=GONE,
        OWN__inference_force_speech_silence_on_eos=GONE,
        TTS__exponent=GONE,
        TTS__use_audio_prompt_frozen_projection=GONE,
        BACKBONE__sliding_window=GONE,
        ROOT__inference_speaker_name=GONE,
        ROOT__speech_generation__data__audio_prompt_duration=GONE,
    )
    assert (speech.guidance, speech.top, speech.noise, speech.exponent) == (0.5, 0.8, 0.8, 3.0)
    assert (speech.silence_on_eos, speech.frozen_projection) == (True, False)
    assert (speech.backbone.window, speech.prompt_frames, speech.speaker) == (4096, 37, None)


def test_without_a_speaking_half_there_is_none() -> None:
    for value in (GONE, None):
        assert VoiceChatConfig.from_plain(with_keys({SPEECH: value})).speech is None


@pytest.mark.parametrize("value", [0.95, 1.0, 1, 50])
def test_a_nucleus_is_a_float_and_a_number_of_components_an_int(value: float) -> None:
    top = read(OWN__inference_top_p_or_k=value).top
    assert (top, type(top)) == (value, type(value))


def test_layers_may_be_named_or_counted() -> None:
    assert read(BACKBONE__sliding_window_pattern=2).backbone.full == (False, True) * 3
    names = ["full_attention", "sliding_attention", "sliding_attention"] * 2
    named = read(BACKBONE__layer_types=names).backbone.full
    assert named == (True, False, False) * 2


def test_rotary_bases_are_read_as_both_majors_of_transformers_write_them() -> None:
    older = read(BACKBONE__rope_theta=5e5, BACKBONE__rope_local_base_freq=2e4).backbone
    assert (older.theta_full, older.theta_sliding) == (5e5, 2e4)
    kinds = {
        "full_attention": {"rope_type": "default", "rope_theta": 5e5},
        "sliding_attention": {"rope_theta": 2e4},
    }
    assert read(BACKBONE__rope_parameters=kinds).backbone == older
    some = read(BACKBONE__rope_parameters={"full_attention": kinds["full_attention"]}).backbone
    assert (some.theta_full, some.theta_sliding) == (5e5, 1e4)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (SPEECH, "x"),
        (OWN, GONE),
        (f"{SPEECH}.data", GONE),
        (f"{SPEECH}.data.target_sample_rate", 24_000),
        (f"{SPEECH}.data.audio_prompt_duration", "3 s"),
        (f"{SPEECH}.data.audio_prompt_duration", 0.1),
        (f"{SPEECH}.data.audio_prompt_duration", -3.0),
        ("model.inference_speaker_name", 3),
        (f"{OWN}.inference_guidance_scale", "0.2"),
        (f"{OWN}.inference_guidance_scale", -0.1),
        (f"{OWN}.inference_top_p_or_k", "0.95"),
        (f"{OWN}.inference_top_p_or_k", True),
        (f"{OWN}.inference_top_p_or_k", 0),
        (f"{OWN}.inference_top_p_or_k", -0.5),
        (f"{OWN}.inference_noise_scale", []),
        (f"{OWN}.inference_noise_scale", float("nan")),
        (f"{OWN}.inference_force_speech_silence_on_eos", 1),
        (TTS, GONE),
        (f"{TTS}.use_gated_fusion_for_text_audio", GONE),
        (f"{TTS}.use_gated_fusion_for_text_audio", False),
        (f"{TTS}.use_subword_flag_emb", False),
        (f"{TTS}.use_bos_eos_emb", GONE),
        (f"{TTS}.disable_eos_prediction", False),
        (f"{TTS}.random_target_masking", True),
        (f"{TTS}.context_hidden_size", 4480),
        (f"{TTS}.latent_size", 31),
        (f"{TTS}.codebook_size", 65),
        (f"{TTS}.num_quantizers", 9),
        (f"{TTS}.exponent", "3"),
        (f"{TTS}.exponent", 0),
        (f"{TTS}.use_audio_prompt_frozen_projection", "yes"),
        (f"{TTS}.backbone_type", "llama"),
        (BACKBONE, GONE),
        (f"{BACKBONE}.hidden_size", GONE),
        (f"{BACKBONE}.intermediate_size", 0),
        (f"{BACKBONE}.num_hidden_layers", 1.5),
        (f"{BACKBONE}.num_attention_heads", GONE),
        (f"{BACKBONE}.num_key_value_heads", 2),
        (f"{BACKBONE}.head_dim", None),
        (f"{BACKBONE}.head_dim", 11),
        (f"{BACKBONE}.rope_scaling", {"factor": 8.0}),
        (f"{BACKBONE}.sliding_window", 0),
        (f"{BACKBONE}.sliding_window_pattern", -1),
        (f"{BACKBONE}.hidden_activation", "silu"),
        (f"{BACKBONE}.query_pre_attn_scalar", "256"),
        (f"{BACKBONE}.layer_types", ["full_attention"]),
        (f"{BACKBONE}.layer_types", ["chunked_attention"] * 6),
        (f"{BACKBONE}.rope_theta", "1e6"),
        (f"{BACKBONE}.rope_local_base_freq", []),
        (f"{BACKBONE}.rope_parameters", 1e6),
        (CAS, GONE),
        (f"{CAS}.backbone_type", "bert"),
        (f"{CAS}.backbone_config", GONE),
        (ENCODER, GONE),
        (f"{ENCODER}.hidden_size", "48"),
        (f"{ENCODER}.num_hidden_layers", GONE),
        (f"{ENCODER}.num_key_value_heads", 1),
        (f"{ENCODER}.head_dim", 0),
        (f"{ENCODER}.hidden_activation", "gelu"),
        (f"{ENCODER}.attn_logit_softcapping", "50"),
        (MIXTURE, GONE),
        (f"{MIXTURE}.intermediate_size", GONE),
        (f"{MIXTURE}.num_layers", 0),
        (f"{MIXTURE}.low_rank", True),
        (f"{MIXTURE}.num_predictions", GONE),
        (f"{MIXTURE}.min_log_std", "-4"),
        (f"{MIXTURE}.eps", "small"),
        (CODEC, GONE),
        (f"{CODEC}.latent_size", GONE),
        (f"{CODEC}.n_fft", 0),
        (f"{CODEC}.hop_length", GONE),
        (f"{CODEC}.base_hidden_size", GONE),
        (f"{CODEC}.channel_mult", []),
        (f"{CODEC}.channel_mult", 4),
        (f"{CODEC}.rates", [7, 7.0, 9]),
        (f"{CODEC}.rates", [63, 7]),
        (f"{CODEC}.num_blocks", 0),
        (f"{CODEC}.kernel_size", GONE),
        (f"{CODEC}.groups", 2),
        (f"{CODEC}.codebook_size", "64"),
        (f"{CODEC}.num_quantizers", GONE),
        (f"{CODEC}.wav_to_token_ratio", 1760),
    ],
)
def test_what_is_wrong_is_named_by_its_path(path: str, value: Any) -> None:
    with pytest.raises(CheckpointError) as raised:
        VoiceChatConfig.from_plain(with_keys({path: value}))
    assert raised.value.where == f"config.json: {path}"
    assert "\n" not in str(raised.value)


def test_scaled_rotary_angles_are_refused() -> None:
    kinds = {"full_attention": {"rope_type": "linear", "factor": 8.0}}
    with pytest.raises(CheckpointError) as raised:
        read(BACKBONE__rope_parameters=kinds)
    where = f"config.json: {BACKBONE}.rope_parameters.full_attention.rope_type"
    assert raised.value.where == where


def test_a_frame_of_another_length_is_refused() -> None:
    changed = {f"{CODEC}.rates": [7, 7, 8], f"{CODEC}.wav_to_token_ratio": GONE}
    with pytest.raises(CheckpointError, match=r"rates: a frame of 1568 samples, and not of 80 ms"):
        VoiceChatConfig.from_plain(with_keys(changed))

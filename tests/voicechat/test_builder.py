"""A pipeline out of a configuration, on the tiny checkpoint."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file

import bot.voicechat
from bot.voicechat import S2SPipelineBuilder, inference_precision_from_cfg
from bot.voicechat.builder import configured, device_of, profile_of, settings_of
from bot.voicechat.config import Boosts, ForcedTurns, VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.s2sconfig import S2SConfig, read
from bot.voicechat.s2skeys import ConfigFault, Note
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.source import CONFIG, WEIGHTS
from bot.voicechat.streams import Frame
from bot.voicechat.tiny import tiny_config
from bot.voicechat.tinyspeech import VOICE
from bot.voicechat.voices import UnknownVoice

YAML = Path(__file__).parents[2] / "configs" / "s2s_streaming.yaml"
CHUNK = np.zeros(1280, np.float32)


def config(folder: Path | str = "here", /, **s2s: Any) -> S2SConfig:
    streaming = {"max_len": s2s.pop("max_len", 128), "batch_size": 2}
    return read({"s2s": {"model_path": folder, "device": "cpu"} | s2s, "streaming": streaming})


def answer(cfg: Any) -> tuple[tuple[int, ...], np.ndarray]:
    """Tokens and sound of two frames of silence."""
    with inference_precision_from_cfg(cfg):
        pipeline = S2SPipelineBuilder.build_pipeline(cfg, tell=lambda note: None)
        pipeline.open_session()
        first = pipeline.generate_step([Frame(CHUNK, 7, is_first=True)])
        second = pipeline.generate_step([Frame(CHUNK, 7)])
        pipeline.close_session()
    outputs = [*first, *second]
    tokens = tuple(token for output in outputs for token in output.text_tokens)
    return tokens, np.concatenate([output.audio for output in outputs])


def changed(plain: dict[str, Any], **stt: Any) -> VoiceChatConfig:
    plain["model"]["stt"]["model"] |= stt
    return VoiceChatConfig.from_plain(plain)


def test_the_yaml_with_a_checkpoint_becomes_a_pipeline_that_answers(original: Path) -> None:
    s2s = {"model_path": str(original), "device": "cpu", "system_prompt": "Be brief."}
    own = {"s2s": s2s, "streaming": {"max_len": 200}}
    cfg = OmegaConf.merge(OmegaConf.load(YAML), own)
    tokens, sound = answer(cfg)
    assert len(tokens) == 2
    assert sound.shape == (2 * 1764,)
    assert sound.any()
    again, same = answer(cfg)
    assert again == tokens
    assert np.array_equal(same, sound)


def test_the_session_is_closed_and_settings_are_the_configurations(original: Path) -> None:
    cfg = config(original, speaker_name=VOICE, turn_taking="responsive", seed=3)
    with inference_precision_from_cfg(cfg):
        pipeline = S2SPipelineBuilder.build_pipeline(cfg)
    pipeline.open_session()
    assert pipeline.context.free == 2
    assert (pipeline.settings.length, pipeline.settings.graphs) == (128, False)
    assert pipeline.settings.defaults == S2SRequestOptions(
        system_prompt=None,
        top_p=0.5,
        temperature=0.3,
        repetition_penalty=1.1,
        seed=3,
        voice=VOICE,
        turn_taking="responsive",
    )
    assert pipeline.model.llm.thinker.dtype == torch.bfloat16


def test_what_the_configuration_says_of_speech_is_heard(original: Path) -> None:
    exact = {"compute_dtype": "float32", "temperature": 0}
    tokens, sound = answer(config(original, **exact))
    other, louder = answer(config(original, **exact, inference_noise_scale=3.0))
    assert other == tokens
    assert not np.array_equal(sound, louder)
    plain, _ = answer(config(original, **exact, inference_guidance_scale=0))
    assert plain == tokens


def test_a_boost_decides_a_token(original: Path) -> None:
    pads, _ = answer(config(original, decode_audio=False, inference_pad_boost=1000.0))
    assert pads == (12, 12)


def test_without_sound_there_is_text_alone(original: Path) -> None:
    tokens, sound = answer(config(original, decode_audio=False))
    assert len(tokens) == 2
    assert sound.shape == (0,)


def test_a_checkpoint_without_a_voice_of_its_own_must_be_run_without_sound(tiny: Path) -> None:
    plain = json.loads((tiny / CONFIG).read_text("utf-8"))
    del plain["model"]["speech_generation"]
    (tiny / CONFIG).write_text(json.dumps(plain), "utf-8")
    with pytest.raises(ConfigFault, match=r"^s2s\.decode_audio: .*; s2s\.decode_audio=false$"):
        S2SPipelineBuilder.build_pipeline(config(tiny))
    assert len(answer(config(tiny, decode_audio=False))[0]) == 2


def test_what_is_wrong_shows_before_anything_is_run(original: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownVoice, match=f"no voice 'Arla'; there are {VOICE}"):
        S2SPipelineBuilder.build_pipeline(config(original, speaker_name="Arla"))
    with pytest.raises(CheckpointError, match="neither a folder nor a hub id"):
        S2SPipelineBuilder.build_pipeline(config(tmp_path / "nothing"))
    prompt = config(original, system_prompt="You are brief. " * 20, max_len=20)
    with pytest.raises(ConfigFault, match=r"^streaming\.max_len: 20 frames, of which the prompt"):
        S2SPipelineBuilder.build_pipeline(prompt)


def test_a_prompt_may_leave_less_than_a_warm_up_takes(original: Path) -> None:
    S2SPipelineBuilder.build_pipeline(config(original, max_len=1))


def test_keys_without_effect_are_told_or_logged(
    original: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Note] = []
    cfg = config(original, use_llm_cache=False, force_turn_taking_threshold=30)
    S2SPipelineBuilder.build_pipeline(cfg, tell=told.append)
    assert [note.path for note in told] == [
        "s2s.use_llm_cache",
        "s2s.force_turn_taking_threshold",
    ]
    assert not caplog.records
    with caplog.at_level(logging.WARNING, "bot.voicechat.builder"):
        S2SPipelineBuilder.build_pipeline(cfg)
    assert [record.message for record in caplog.records] == [str(note) for note in told]


def test_a_preset_that_needs_the_rnnt_is_told_without_one(tiny: Path) -> None:
    plain = json.loads((tiny / CONFIG).read_text("utf-8"))
    del plain["_rnnt_merge_info"]
    (tiny / CONFIG).write_text(json.dumps(plain), "utf-8")
    weights = load_file(tiny / WEIGHTS)
    rest = {name: one for name, one in weights.items() if ".rnnt_" not in name}
    save_file(rest, tiny / WEIGHTS)
    told: list[Note] = []
    cfg = config(tiny, turn_taking="published")
    pipeline = S2SPipelineBuilder.build_pipeline(cfg, tell=told.append)
    assert [str(note) for note in told] == ["s2s.turn_taking: ignored: the checkpoint has no RNN-T"]
    pipeline.open_session()
    assert pipeline.generate_step([Frame(CHUNK, 1, is_first=True)])[0].pieces == ((),)


def test_null_leaves_the_checkpoint_alone_and_a_value_does_not() -> None:
    own = changed(
        tiny_config(),
        inference_pad_boost=0.25,
        inference_user_eos_boost=0.5,
        force_turn_taking=True,
    )
    silent = {"inference_user_pad_boost": None, "force_turn_taking": False}
    found = configured(own, config(**silent).s2s)
    assert found == replace(own, thinker=replace(own.thinker, forced_turns=ForcedTurns()))
    given = {
        "inference_bos_boost": 1,
        "inference_user_pad_boost": 2,
        "inference_guidance_scale": 0.3,
        "inference_top_p_or_k": 4,
        "inference_noise_scale": 0,
        "inference_force_speech_silence_on_eos": False,
    }
    found = configured(own, config(**given).s2s)
    assert found.thinker.text_boosts == Boosts(pad=0.25, bos=1.0)
    assert found.thinker.asr_boosts == Boosts(pad=2.0, eos=0.5)
    assert own.speech is not None
    assert found.speech == replace(own.speech, guidance=0.3, top=4, noise=0.0, silence_on_eos=False)
    assert configured(replace(own, speech=None), config(**given).s2s).speech is None


def test_turns_are_forced_by_an_asr_head_and_by_nothing_else() -> None:
    keys = {"force_turn_taking_threshold": 30, "force_turn_taking_pad_window": 20}
    for head in (True, False):
        own = changed(tiny_config(), predict_user_text=head)
        forced = configured(own, config(**keys).s2s).thinker.forced_turns
        assert forced == ForcedTurns(on=head, threshold=30, pad_window=20)
    own = changed(tiny_config(), predict_user_text=True, force_turn_taking=True)
    assert not configured(own, config(force_turn_taking=False).s2s).thinker.forced_turns.on


@pytest.mark.parametrize(
    ("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_precision_is_as_said_and_put_back(name: str, dtype: torch.dtype) -> None:
    cfg = config(compute_dtype=name, deterministic=True, matmul_precision="high")
    profile = profile_of(cfg.s2s)
    assert (profile.perception, profile.thinker) == (torch.float32, dtype)
    assert profile.memory == torch.float32
    before = torch.get_float32_matmul_precision()
    with inference_precision_from_cfg(cfg):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.get_float32_matmul_precision() == "high"
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_float32_matmul_precision() == before
    with inference_precision_from_cfg({"s2s": {"model_path": "x", "allow_tf32": False}}):
        assert torch.get_float32_matmul_precision() == "highest"


def _gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def test_auto_is_the_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _gpus(monkeypatch, 2)
    cfg = config(device="auto", device_id=1)
    assert device_of(cfg.s2s) == torch.device("cuda", 1)
    assert device_of(config(device="cpu").s2s) == torch.device("cpu")
    assert settings_of(cfg, torch.device("cuda", 1)).graphs
    assert not settings_of(cfg, torch.device("cpu")).graphs
    off = config(use_perception_cudagraph=False)
    assert not settings_of(off, torch.device("cuda", 0)).graphs
    with pytest.raises(ConfigFault, match=r"^s2s\.device_id: no GPU 2, there are 2"):
        device_of(config(device="cuda", device_id=2).s2s)
    _gpus(monkeypatch, 0)
    assert device_of(cfg.s2s) == torch.device("cpu")
    with pytest.raises(ConfigFault, match=r"^s2s\.device: torch finds no GPU; s2s\.device=auto"):
        device_of(config(device="cuda").s2s)


def test_the_package_has_these_names_and_no_other() -> None:
    assert bot.voicechat.S2SPipelineBuilder is S2SPipelineBuilder
    with pytest.raises(AttributeError, match="has no attribute 'S2SPipeline'"):
        _ = bot.voicechat.S2SPipeline

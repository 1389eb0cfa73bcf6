"""The pipeline's configuration: what is taken, refused and told; the YAML and the page's table."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import hydra
import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from bot.voicechat import s2sconfig
from bot.voicechat.precision import MATMUL
from bot.voicechat.s2sconfig import S2SConfig, read
from bot.voicechat.s2skeys import UNSAID, ConfigFault, leaves, table
from bot.voicechat.turnpolicy import PRESETS

ROOT = Path(__file__).parents[2]
YAML = ROOT / "configs" / "s2s_streaming.yaml"
PAGE = ROOT / "docs" / "s2s.md"
LEAVES = {leaf.path: leaf for leaf in leaves(S2SConfig)}
UPSTREAM = {
    "pipeline_type": "s2s_streaming",
    "output_dir": "./generated",
    "s2s.decode_audio": True,
    "s2s.llm_engine_type": "native",
    "s2s.tts_engine_type": "native",
    "s2s.device_id": 0,
    "s2s.compute_dtype": "bfloat16",
    "s2s.use_perception_cache": True,
    "s2s.use_perception_cudagraph": True,
    "s2s.use_tts_torch_compile": False,
    "s2s.use_tts_subword_cache": False,
    "s2s.top_p": 0.5,
    "s2s.temperature": 0.3,
    "s2s.repetition_penalty": 1.1,
    "s2s.force_turn_taking": True,
    "s2s.force_turn_taking_threshold": 40,
    "s2s.force_turn_taking_pad_window": 25,
    "s2s.inference_user_pad_boost": 0.8,
    "s2s.profile_timing": False,
    "s2s.matmul_precision": "medium",
    "s2s.allow_tf32": True,
    "s2s.deterministic": False,
    "streaming.input_sample_rate": 16_000,
    "streaming.output_sample_rate": 22_050,
    "streaming.batch_size": 1,
    "streaming.att_context_size": (70, 0),
    "streaming.request_type": "frame",
    "streaming.max_len": 8192,
}
"""Of NeMo's file, but for those that are null there."""


def said(**keys: Any) -> dict[str, Any]:
    """A plain tree: ``s2s__top_p=1`` is ``s2s.top_p``."""
    tree: dict[str, Any] = {"s2s": {"model_path": "here"}}
    for name, value in keys.items():
        *sections, last = name.split("__")
        under = tree
        for section in sections:
            under = under.setdefault(section, {})
        under[last] = value
    return tree


def refused(**keys: Any) -> str:
    with pytest.raises(ConfigFault) as raised:
        read(said(**keys))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def composed(*words: str) -> DictConfig:
    """By Hydra's own means, in which no key is new."""
    GlobalHydra.instance().clear()
    with hydra.initialize_config_module("configs", version_base="1.3"):
        return hydra.compose("s2s_streaming", overrides=[*words])


def told(plain: Any) -> list[str]:
    return [note.path for note in read(plain).ignored]


def test_defaults_are_those_of_nemo_but_for_the_ones_in_the_head_of_the_file() -> None:
    differ = {"s2s.use_llm_cache": True, "s2s.device": "auto", "s2s.seed": 0}
    differ |= {"streaming.chunk_size_in_secs": 0.08}
    given = {
        path: leaf.default
        for path, leaf in LEAVES.items()
        if leaf.default not in (None, UNSAID) and "vllm" not in path
    }
    assert given == UPSTREAM | differ
    head = YAML.read_text("utf-8").split("\naudio_file", 1)[0]
    assert all(path.rpartition(".")[2] in head for path in differ)


def test_nothing_but_a_checkpoint_must_be_said() -> None:
    config = read(said())
    assert config == S2SConfig(s2s=config.s2s)
    assert config.s2s == s2sconfig.ModelKeys(model_path="here")
    assert (config.ignored, config.chunk_frames) == ((), 1)


@pytest.mark.parametrize("plain", [{}, {"s2s": None}, {"s2s": {"model_path": UNSAID}}])
def test_a_checkpoint_must_be_said(plain: dict[str, Any]) -> None:
    with pytest.raises(ConfigFault, match=r"^s2s\.model_path: missing; give the checkpoint's"):
        read(plain)


def test_the_yaml_has_every_key_and_its_default() -> None:
    plain = yaml.safe_load(YAML.read_text("utf-8"))
    for path, leaf in LEAVES.items():
        value: Any = plain
        for name in path.split("."):
            value = value[name]
        value = tuple(value) if isinstance(value, list) else value
        assert value == leaf.default or (path == "audio_file" and value == UNSAID), path
    flat = OmegaConf.to_container(OmegaConf.create(plain))
    assert isinstance(flat, dict)
    assert _count(flat) == len(LEAVES)


def _count(tree: dict[Any, Any]) -> int:
    return sum(_count(one) if isinstance(one, dict) else 1 for one in tree.values())


def test_nemos_command_line_is_taken_as_printed() -> None:
    config = composed(
        "audio_file=calls.jsonl",
        "output_dir=out",
        "s2s.model_path=nvidia/NVIDIA-NemotronLabs-VoiceChat-11B",
        "s2s.decode_audio=true",
        "s2s.engine_type=native",
        "s2s.speaker_name=Aria",
        "s2s.system_prompt='You are a helpful assistant.'",
        "s2s.compute_dtype=float32",
        "s2s.use_llm_cache=false",
        "streaming.chunk_size_in_secs=0.24",
        "streaming.buffer_size_in_secs=1.68",
        "streaming.att_context_size=[70,0]",
    )
    found = read(config)
    assert (found.audio_file, found.output_dir, found.chunk_frames) == ("calls.jsonl", "out", 3)
    assert found.s2s.system_prompt == "You are a helpful assistant."
    assert [str(note) for note in found.ignored] == [
        "s2s.engine_type: ignored: there is one engine",
        "s2s.use_llm_cache: ignored: its past is always kept",
        "streaming.buffer_size_in_secs: ignored: the encoder keeps its state, and no sound",
    ]
    assert read(OmegaConf.to_container(config)) == found  # type: ignore[arg-type]


def test_keys_that_do_nothing_are_told() -> None:
    assert told(said(s2s__profile_timing=True)) == ["s2s.profile_timing"]
    assert told(said(s2s__use_tts_torch_compile=True)) == ["s2s.use_tts_torch_compile"]
    assert told(said(s2s__use_tts_subword_cache=True)) == ["s2s.use_tts_subword_cache"]
    assert told(said(streaming__att_context_size=[56, 0])) == ["streaming.att_context_size"]
    off = said(s2s__use_perception_cache=False, s2s__use_perception_cudagraph=False)
    assert told(off) == ["s2s.use_perception_cache"]
    vllm = {"step_timeout": 5, "stage_overrides": {"any": [1]}, "nemotron_dtype": "float32"}
    assert told(said(s2s__vllm_omni_config=vllm)) == [
        "s2s.vllm_omni_config.step_timeout",
        "s2s.vllm_omni_config.stage_overrides",
    ]


def test_keys_that_others_leave_without_effect_are_told() -> None:
    silent = said(s2s__decode_audio=False, s2s__speaker_name="Aria", s2s__inference_noise_scale=0)
    assert told(silent) == ["s2s.speaker_name", "s2s.inference_noise_scale"]
    window = {"s2s__force_turn_taking_pad_window": 20}
    assert told(said(**window)) == []
    for other in ({"s2s__force_turn_taking": False}, {"s2s__turn_taking": "responsive"}):
        assert told(said(**window, **other)) == ["s2s.force_turn_taking_pad_window"]


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("s2s__topp", "did you mean s2s.top_p?"),
        ("top_p", "did you mean s2s.top_p?"),
        ("s2s__batch_size", "did you mean streaming.batch_size?"),
        ("s2s__speaker_reference", "did you mean s2s.speaker_name?"),
        ("s2s__vllm_omni_config__log_stat", "did you mean s2s.vllm_omni_config.log_stats?"),
        ("ignored", ""),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(key: str, remedy: str) -> None:
    path = key.replace("__", ".")
    assert refused(**{key: 1}) == f"{path}: no such key" + (f"; {remedy}" if remedy else "")


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("s2s__top_p", 0, "0.0 is not above 0 and at most 1"),
        ("s2s__top_p", "0.5", '"0.5" is not a number'),
        ("s2s__top_p", None, "null is not a number"),
        ("s2s__top_p", True, "true is not a number"),
        ("s2s__top_p", float("nan"), "NaN is not a number"),
        ("s2s__temperature", -0.1, "-0.1 is not a finite float32 of 0 or above"),
        ("s2s__temperature", 1e39, "1e+39 is not a finite float32 of 0 or above"),
        ("s2s__repetition_penalty", 0.0, "0.0 is not a finite float32 above 0"),
        ("s2s__inference_pad_boost", "1", '"1" is not a number or null'),
        ("s2s__inference_top_p_or_k", 0, "0 is not above 0"),
        ("s2s__inference_noise_scale", -1, "-1.0 is not 0 or more"),
        ("s2s__decode_audio", 1, "1 is not true or false"),
        ("s2s__device", "tpu", '"tpu" is not one of auto, cuda, cpu'),
        ("s2s__device_id", 1.5, "1.5 is not a whole number"),
        ("s2s__compute_dtype", "float16", '"float16" is not one of float32, bfloat16'),
        ("s2s__speaker_name", " ", '" " is not a text that is not blank'),
        ("s2s__turn_taking", "rude", '"rude" is not one of native, responsive, published'),
        ("s2s__matmul_precision", "low", '"low" is not one of highest, high, medium'),
        ("s2s", 3, "keys must be under it, not 3"),
        ("streaming__input_sample_rate", 8000, "8000 is not 16000"),
        ("streaming__output_sample_rate", 16_000, "16000 is not 22050"),
        ("streaming__batch_size", 0, "0 is not 1 or more"),
        ("streaming__att_context_size", [70, 1], "[70, 1] is not [left, 0]"),
        ("streaming__att_context_size", 70, "70 is not two whole numbers"),
        ("streaming__chunk_size_in_secs", 0.1, "0.1 is not a multiple of 0.08 above 0"),
        ("streaming__chunk_size_in_secs", 0, "0.0 is not a multiple of 0.08 above 0"),
        ("streaming__request_type", "buffer", '"buffer" is not frame'),
        ("streaming__max_len", 0, "0 is not 1 or more"),
        ("pad_audio_by_sec", -1, "-1.0 is not 0 or more"),
        ("pipeline_type", "asr", '"asr" is not s2s_streaming'),
    ],
)
def test_a_value_that_is_none_of_the_keys_is_refused(key: str, value: object, what: str) -> None:
    assert refused(**{key: value}).partition("; ")[0] == f"{key.replace('__', '.')}: {what}"


@pytest.mark.parametrize("key", ["engine_type", "llm_engine_type", "tts_engine_type"])
@pytest.mark.parametrize("engine", ["vllm_omni", "vllm_llm", "vllm_llm_vllm_eartts"])
def test_an_engine_of_vllm_is_refused_with_where_to_go(key: str, engine: str) -> None:
    message = refused(**{f"s2s__{key}": engine})
    assert message.startswith(f's2s.{key}: "{engine}" is not native; ')
    assert "bot=realtime" in message


def test_at_most_one_padding() -> None:
    message = refused(pad_audio_to_sec=30, pad_audio_by_sec=5)
    assert message == "pad_audio_by_sec: pad_audio_to_sec is set, too; give one of them"
    assert read(said(pad_silence_ratio=1)).pad_silence_ratio == 1.0


def test_a_graph_needs_the_cache() -> None:
    message = refused(s2s__use_perception_cache=False)
    assert message.startswith("s2s.use_perception_cudagraph: a graph needs")


@pytest.mark.parametrize("frames", range(1, 40))
def test_every_multiple_of_80_ms_is_a_chunk(frames: int) -> None:
    for seconds in (frames * 0.08, float(f"{frames * 0.08:.2f}")):
        assert read(said(streaming__chunk_size_in_secs=seconds)).chunk_frames == frames


def test_a_nucleus_stays_a_number_and_a_count_a_count() -> None:
    for given in (1, 1.0, 0.95):
        found = read(said(s2s__inference_top_p_or_k=given)).s2s.inference_top_p_or_k
        assert (type(found), found) == (type(given), given)


def test_a_path_is_a_text(tmp_path: Path) -> None:
    assert read(said(s2s__model_path=tmp_path)).s2s.model_path == str(tmp_path)


def test_names_are_those_of_the_modules_that_need_torch() -> None:
    assert tuple(PRESETS) == s2sconfig.PRESETS
    assert MATMUL == s2sconfig.MATMUL


def test_the_pages_table_is_that_of_the_keys() -> None:
    assert table(S2SConfig) in PAGE.read_text("utf-8")
    rows = re.findall(r"^\| `([a-z0-9_.*]+)` \|", table(S2SConfig), re.MULTILINE)
    vllm = "s2s.vllm_omni_config."
    assert len(rows) == len(set(rows))
    assert {*rows} == {path for path in LEAVES if not path.startswith(vllm)} | {f"{vllm}*"}


def test_neither_the_package_nor_its_configuration_needs_torch() -> None:
    code = "import sys, bot.voicechat, bot.voicechat.s2sconfig; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)

"""Checkpoints: both layouts, strict accounting, each corruption told in one line, memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bot.voicechat.checkpoint import open_checkpoint
from bot.voicechat.layout import STT, TALKER
from tests.voicechat.refusal import refusal

Tensors: TypeAlias = dict[str, Tensor]
FIRST = "stt_model.llm.layers.0.mixer."
TTS = "tts_model.tts_model."
FLAGS = f"{TTS}embed_subword.subword_flag_emb.is_continuation"
PROJECTION = f"{TTS}audio_prompt_projection_W"
ARIA = "tts_model.audio_prompt_latents.Aria"
LISTENING, SPEAKING = 128, 303
"""Tensors of the tiny checkpoint."""


def change(folder: Path, alter: Callable[[Tensors], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    alter(tensors)
    save_file(tensors, folder / "model.safetensors")


def change_json(file: Path, path: str, value: Any) -> None:
    plain = json.loads(file.read_text("utf-8"))
    *parts, last = path.split(".")
    section = plain
    for part in parts:
        section = section[part]
    section[last] = value
    file.write_text(json.dumps(plain), "utf-8")


def test_golden_cases_are_accounted_for(case: Any) -> None:
    checkpoint = open_checkpoint(case.folder)
    assert checkpoint.check_values() == len(case.weights)
    halves = {"case_a": (141, 207), "case_b": (164, 271)}
    counts = (len(checkpoint.section(STT)), len(checkpoint.section(TALKER)))
    assert counts == halves.get(case.folder.name, counts)
    assert checkpoint.voices == tuple(case.section("tts_model.audio_prompt_latents."))
    for name, tensor in case.weights.items():
        read = checkpoint.tensor(name, dtype=torch.float32)
        assert torch.equal(read, tensor)
        assert read.dtype == tensor.dtype  # integers stay


def test_sections_cut_the_prefix_and_read_when_asked(original: Path) -> None:
    checkpoint = open_checkpoint(original)
    sections = [
        checkpoint.perception(),
        checkpoint.thinker(dtype=torch.bfloat16),
        checkpoint.rnnt(),
    ]
    assert sum(map(len, sections)) == len(checkpoint.section(STT)) == LISTENING
    perception, thinker, rnnt = sections
    assert perception["proj.weight"].dtype == torch.float32
    assert rnnt["rnnt_joint.enc.weight"].dtype == torch.float32
    assert thinker["lm_head.weight"].dtype == torch.bfloat16
    for exact in ("A_log", "D", "dt_bias"):
        assert thinker[f"llm.layers.0.mixer.{exact}"].dtype == torch.float32
    assert thinker["llm.layers.0.mixer.conv1d.bias"].dtype == torch.bfloat16
    with pytest.raises(KeyError):
        thinker["proj.weight"]


def test_sections_of_the_speaking_half_are_fp32(tiny: Path) -> None:
    change(tiny, lambda tensors: tensors.update({ARIA: tensors[ARIA].bfloat16()}))
    checkpoint = open_checkpoint(tiny)
    talker, codec, voices = checkpoint.talker(), checkpoint.codec(), checkpoint.latents()
    loose = 2  # control codes and silence
    variances = 8
    together = len(talker) + len(codec) + len(voices) + loose + variances
    assert together == len(checkpoint.section(TALKER)) == SPEAKING
    assert talker["null_emb"].dtype == torch.float32
    assert talker["embed_subword.bos_eos_emb.special_flags"].dtype == torch.int64
    assert codec["prvq.mus_list.7"].shape == (64, 32)
    assert checkpoint.voices == tuple(voices) == ("Aria",)
    assert voices["Aria"].dtype == torch.float32
    assert list(checkpoint.codec("decoder.")) == [n for n in codec if n.startswith("decoder.")]
    half = checkpoint.section(TALKER, dtype=torch.bfloat16)
    assert half["tts_model.null_emb"].dtype == torch.float32


def test_the_codes_of_silence_may_be_absent(tiny: Path) -> None:
    silence = open_checkpoint(tiny).silence()
    assert silence is not None
    assert (silence.shape, silence.dtype) == ((8,), torch.int64)
    change(tiny, lambda tensors: tensors.pop("tts_model.codec_silence_tokens"))
    assert open_checkpoint(tiny).silence() is None


def test_there_may_be_any_number_of_voices(tiny: Path) -> None:
    change(tiny, lambda tensors: tensors.pop(ARIA))
    assert open_checkpoint(tiny).voices == ()
    more = {f"tts_model.audio_prompt_latents.{n}": torch.ones(1, 37, 48) for n in ("Bo", "C. 2")}
    change(tiny, lambda tensors: tensors.update(more))
    assert open_checkpoint(tiny).voices == ("Bo", "C. 2")


def test_older_names_are_accepted(tiny: Path) -> None:
    def rename(tensors: Tensors) -> None:
        for name in list(tensors):
            older = name.replace("stt_model.llm.", "stt_model.llm.backbone.")
            tensors[older.replace("joint_net.2.", "joint_net.1.")] = tensors.pop(name)

    before = open_checkpoint(tiny).tensor(f"{FIRST}D")
    change(tiny, rename)
    checkpoint = open_checkpoint(tiny)
    assert torch.equal(checkpoint.tensor(f"{FIRST}D"), before)
    assert "llm.layers.0.mixer.D" in checkpoint.thinker()


def test_the_speaking_half_is_left_alone_where_the_config_knows_none(tiny: Path) -> None:
    change_json(tiny / "config.json", "model.speech_generation", None)
    change(tiny, lambda tensors: tensors.update({"tts_model.x": torch.zeros(3)}))
    checkpoint = open_checkpoint(tiny)
    assert checkpoint.config.speech is None
    assert checkpoint.check_values() == LISTENING
    assert len(checkpoint.section(TALKER)) == SPEAKING + 1


def spoil(name: str, at: tuple[int, ...], value: float) -> Callable[[Tensors], object]:
    def alter(tensors: Tensors) -> None:
        tensors[name][at] = value

    return alter


@pytest.mark.parametrize(
    ("alter", "name", "what"),
    [
        (lambda t: t.pop("stt_model.lm_head.weight"), "stt_model.lm_head.weight", "missing"),
        (lambda t: t.pop("stt_model.rnnt_joint.enc.bias"), "stt_model.rnnt_joint.enc.bias", "mis"),
        (
            lambda t: t.update({"stt_model.asr_head.weight": torch.ones(384, 64)}),
            "stt_model.asr_head.weight",
            "no such tensor",
        ),
        (
            lambda t: t.update({f"{FIRST}D": torch.ones(9)}),
            f"{FIRST}D",
            "of shape [9], where config.json wants [8]",
        ),
        (
            lambda t: t.update({f"{FIRST}D": torch.ones(8, dtype=torch.int64)}),
            f"{FIRST}D",
            "of dtype I64",
        ),
        (
            lambda t: t["stt_model.function_head.weight"].zero_(),
            "stt_model.function_head.weight",
            "zero throughout",
        ),
        (
            lambda t: t["stt_model.llm.norm_f.weight"].zero_(),
            "stt_model.llm.norm_f.weight",
            "zero throughout",
        ),
        (
            spoil("stt_model.lm_head.weight", (7, 5), float("nan")),
            "stt_model.lm_head.weight",
            "NaN",
        ),
        (
            spoil("stt_model.perception.proj.bias", (3,), float("-inf")),
            "stt_model.perception.proj.bias",
            "infinity",
        ),
        (lambda t: t.pop(f"{TTS}null_emb"), f"{TTS}null_emb", "missing"),
        (lambda t: t.pop("tts_model._control_codes"), "tts_model._control_codes", "missing"),
        (lambda t: t.pop(PROJECTION), PROJECTION, "missing"),
        (
            lambda t: t.update({f"{TTS}lm_head.weight": torch.ones(1, 48)}),
            f"{TTS}lm_head.weight",
            "no such tensor",
        ),
        (
            lambda t: t.update({f"{TTS}rvq_embs": torch.ones(8, 65, 32)}),
            f"{TTS}rvq_embs",
            "of shape [8, 65, 32], where config.json wants [8, 64, 32]",
        ),
        (
            lambda t: t.update({ARIA: torch.ones(1, 12, 48)}),
            ARIA,
            "of shape [1, 12, 48], where config.json wants [1, 37, 48]",
        ),
        (lambda t: t.update({FLAGS: torch.ones(385)}), FLAGS, "of dtype F32"),
        (
            lambda t: t.update({f"{TTS}null_emb": torch.ones(48, dtype=torch.int64)}),
            f"{TTS}null_emb",
            "of dtype I64",
        ),
        (lambda t: t[f"{TTS}rvq_embs"].zero_(), f"{TTS}rvq_embs", "zero throughout"),
        (lambda t: t[f"{TTS}mog_head.low_mat"].zero_(), f"{TTS}mog_head.low_mat", "zero through"),
        (spoil(ARIA, (0, 3, 5), float("nan")), ARIA, "NaN"),
    ],
)
def test_a_spoilt_tensor_is_named(
    tiny: Path, alter: Callable[[Tensors], object], name: str, what: str
) -> None:
    change(tiny, alter)
    error = refusal(tiny)
    assert error.where == f"{tiny / 'model.safetensors'}: {name}"
    assert what in error.what


@pytest.mark.parametrize(
    "name",
    [
        "stt_model.perception.proj.bias",
        f"{TTS}gated_fusion_audio_text.gate",
        f"{TTS}gated_fusion_audio_text.residual_scale",
        f"{TTS}gated_fusion_audio_text.text_proj.bias",
        "tts_model.audio_codec.prvq._variance_list.0.variance",
    ],
)
def test_some_tensors_may_be_zero(tiny: Path, name: str) -> None:
    change(tiny, lambda tensors: tensors[name].zero_())
    assert open_checkpoint(tiny).check_values() == LISTENING + SPEAKING


def test_without_its_projection_no_matrix_is_asked_for(tiny: Path) -> None:
    """``use_audio_prompt_frozen_projection`` says whether there is one."""
    tts = "model.speech_generation.model.tts_config"
    change_json(tiny / "config.json", f"{tts}.use_audio_prompt_frozen_projection", False)
    assert refusal(tiny).where.endswith(PROJECTION)
    change(tiny, lambda tensors: tensors.pop(PROJECTION))
    assert open_checkpoint(tiny).check_values() == LISTENING + SPEAKING - 1


def test_letters_of_another_width_are_told(tiny: Path) -> None:
    cas = "model.speech_generation.model.tts_config.cas_config.backbone_config.encoder"
    change_json(tiny / "config.json", f"{cas}.hidden_size", 64)
    error = refusal(tiny)
    assert error.where == f"config.json: {cas}.hidden_size"
    assert error.what == "64, but the talker's backbone has 48"


@pytest.mark.parametrize("kept", [0, 5, 2000, -4])
def test_a_truncated_file_is_named(tiny: Path, kept: int) -> None:
    file = tiny / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[:kept])
    error = refusal(tiny)
    assert error.where == str(file)
    assert "cut short" in error.what


@pytest.mark.parametrize(
    ("file", "where"),
    [
        ("config.json", "config.json"),
        ("model.safetensors", "model.safetensors"),
        ("llm_artifacts/tokenizer.json", "config.json: model.stt.model.pretrained_llm"),
        ("llm_artifacts/config.json", "config.json: model.stt.model.pretrained_llm"),
    ],
)
def test_a_missing_file_is_named(tiny: Path, file: str, where: str) -> None:
    change_json(tiny / "config.json", "model.stt.model.pretrained_llm", "nowhere")
    (tiny / file).unlink()
    assert refusal(tiny).where == str(tiny / where)


@pytest.mark.parametrize("text", ["{", "[]", ""])
@pytest.mark.parametrize("file", ["config.json", "llm_artifacts/config.json"])
def test_a_config_that_is_none_is_named(tiny: Path, file: str, text: str) -> None:
    (tiny / file).write_text(text, "utf-8")
    assert refusal(tiny).where == str(tiny / file)


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("model_type", "llama", "llm_artifacts/config.json: model_type"),
        ("hidden_size", "wide", "llm_artifacts/config.json"),
    ],
)
def test_another_language_model_is_refused(tiny: Path, key: str, value: str, where: str) -> None:
    change_json(tiny / "llm_artifacts" / "config.json", key, value)
    assert refusal(tiny).where == str(tiny / where)


def test_widths_that_do_not_fit_are_told(tiny: Path) -> None:
    change_json(tiny / "config.json", "model.stt.model.perception.output_dim", 96)
    assert refusal(tiny).where.endswith("perception.output_dim")


def test_layers_of_experts_are_refused(tiny: Path) -> None:
    change_json(tiny / "llm_artifacts" / "config.json", "hybrid_override_pattern", "M-M*-ME")
    assert "'moe'" in refusal(tiny).what


@pytest.mark.parametrize(
    ("older", "newer", "what"),
    [
        ("<SPECIAL_12>", "<SPECIAL_99>", "<SPECIAL_12> must be id 12"),
        ("<SPECIAL_21>", "<call>", "<SPECIAL_21> must be id 21, and is none"),
        ("</s>", "<end>", "</s> must be id 2"),
    ],
)
def test_a_wrong_tokenizer_is_named(tiny: Path, older: str, newer: str, what: str) -> None:
    file = tiny / "llm_artifacts" / "tokenizer.json"
    file.write_text(file.read_text("utf-8").replace(f'"{older}"', f'"{newer}"'), "utf-8")
    error = refusal(tiny)
    assert error.where == str(file)
    assert what in error.what


def test_function_ids_count_only_with_a_function_head(tiny: Path) -> None:
    file = tiny / "llm_artifacts" / "tokenizer.json"
    file.write_text(file.read_text("utf-8").replace('"<SPECIAL_21>"', '"<call>"'), "utf-8")
    change_json(tiny / "config.json", "model.stt.model.use_function_head", False)
    change(tiny, lambda tensors: tensors.pop("stt_model.function_head.weight"))
    assert open_checkpoint(tiny).check_values() == LISTENING - 1 + SPEAKING


def test_a_tokenizer_too_large_or_broken_is_named(tiny: Path) -> None:
    file = tiny / "llm_artifacts" / "tokenizer.json"
    plain = json.loads(file.read_text("utf-8"))
    plain["model"]["vocab"]["zzz"] = 384
    file.write_text(json.dumps(plain), "utf-8")
    assert "id 384, but the model has 384 tokens" in refusal(tiny).what
    file.write_text("{}", "utf-8")
    assert "no tokenizer" in refusal(tiny).what

"""What is read of ``config.json``, and that what is wrong in it is named by its path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.voicechat.config import Boosts, ForcedTurns, VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.tiny import tiny_config

STT = "model.stt.model"
PREPROCESSOR, ENCODER = f"{STT}.perception.preprocessor", f"{STT}.perception.encoder"
RNNT = "_rnnt_merge_info"
GONE = object()


def with_key(path: str, value: Any) -> dict[str, Any]:
    """The tiny config with one key changed, or taken out."""
    plain: dict[str, Any] = json.loads(json.dumps(tiny_config()))
    *parts, last = path.split(".")
    section = plain
    for part in parts:
        section = section[part]
    if value is GONE:
        del section[last]
    else:
        section[last] = value
    return plain


def test_golden_configs_are_read_as_they_are(case: Any) -> None:
    thinker, encoder = case.config.thinker, case.config.encoder
    plain = json.loads((case.folder / "config.json").read_text("utf-8"))["model"]["stt"]["model"]
    assert thinker.llm == "llm-Nemotron-H-tiny"
    assert thinker.asr_head == plain["predict_user_text"]
    assert thinker.text_boosts.pad == plain["inference_pad_boost"]
    assert encoder.batch_norm == (plain["perception"]["encoder"]["conv_norm_type"] == "batch_norm")
    assert case.config.mel.pad_to == plain["perception"]["preprocessor"]["pad_to"]
    assert [[encoder.left, right] for right in encoder.lookaheads] == (
        plain["perception"]["encoder"]["att_context_size"]
    )


def test_what_the_file_leaves_out_is_as_in_nemo() -> None:
    plain = with_key(f"{STT}.duplex_function_channel_weight", GONE)
    thinker = VoiceChatConfig.from_plain(plain).thinker
    assert thinker.function_weight == 1.0
    assert (thinker.user_weight, thinker.text_weight, thinker.asr_weight) == (1.0, 1.0, 1.0)
    assert thinker.text_boosts == thinker.asr_boosts == Boosts()
    assert thinker.forced_turns == ForcedTurns(on=False, threshold=40, pad_window=25)
    assert (thinker.bos, thinker.eos, thinker.pad) == ("<s>", "</s>", "<SPECIAL_12>")
    assert (thinker.user_bos, thinker.user_eos) == (None, None)


def test_the_boosts_of_agent_and_caller_are_kept_apart() -> None:
    plain = with_key(f"{STT}.inference_user_pad_boost", 0.8)
    plain["model"]["stt"]["model"]["inference_bos_boost"] = 3
    thinker = VoiceChatConfig.from_plain(plain).thinker
    assert thinker.asr_boosts == Boosts(pad=0.8)
    assert thinker.text_boosts == Boosts(bos=3.0)


@pytest.mark.parametrize(("written", "read"), [("^", "^"), ("", None), (None, None)])
def test_turn_tokens_of_older_checkpoints_may_be_named(written: Any, read: str | None) -> None:
    plain = with_key(f"{STT}.user_bos_token", written)
    plain["model"]["stt"]["model"]["user_eos_token"] = "$"
    thinker = VoiceChatConfig.from_plain(plain).thinker
    assert (thinker.user_bos, thinker.user_eos) == (read, "$")


def test_without_merge_info_there_is_no_rnnt() -> None:
    assert VoiceChatConfig.from_plain(with_key(RNNT, GONE)).rnnt is None
    rnnt = VoiceChatConfig.from_plain(tiny_config()).rnnt
    assert rnnt is not None
    assert rnnt.blank == len(rnnt.pieces)


def test_one_pair_of_contexts_does() -> None:
    config = VoiceChatConfig.from_plain(with_key(f"{ENCODER}.att_context_size", [70, 0]))
    assert (config.encoder.left, config.encoder.lookaheads) == (70, (0,))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model", GONE),
        ("model.stt", "x"),
        (STT, GONE),
        (f"{STT}.pretrained_llm", GONE),
        (f"{STT}.pretrained_llm", 3),
        (f"{STT}.perception", []),
        (f"{STT}.perception.output_dim", "64"),
        (f"{STT}.duplex_user_channel_weight", "1"),
        (f"{STT}.duplex_text_channel_weight", True),
        (f"{STT}.duplex_asr_text_weight", []),
        (f"{STT}.duplex_function_channel_weight", "2.0"),
        (f"{STT}.predict_user_text", 1),
        (f"{STT}.use_function_head", "yes"),
        (f"{STT}.fuse_method", "concat"),
        (f"{STT}.inference_pad_boost", "x"),
        (f"{STT}.inference_user_eos_boost", "x"),
        (f"{STT}.force_turn_taking", 1),
        (f"{STT}.force_turn_taking_threshold", 1.5),
        (f"{STT}.force_turn_taking_pad_window", -1),
        (f"{STT}.bos_token", 1),
        (f"{STT}.eos_token", 2),
        (f"{STT}.pad_token", 12),
        (f"{STT}.user_bos_token", 13),
        (f"{STT}.user_eos_token", ["$"]),
        (f"{PREPROCESSOR}.sample_rate", 8000),
        (f"{PREPROCESSOR}.normalize", "per_feature"),
        (f"{PREPROCESSOR}.window", "hamming"),
        (f"{PREPROCESSOR}.window_size", "25 ms"),
        (f"{PREPROCESSOR}.window_stride", "10 ms"),
        (f"{PREPROCESSOR}.features", 128.0),
        (f"{PREPROCESSOR}.n_fft", 0),
        (f"{PREPROCESSOR}.pad_to", -16),
        (f"{ENCODER}.feat_in", 80),
        (f"{ENCODER}.n_layers", 0),
        (f"{ENCODER}.d_model", GONE),
        (f"{ENCODER}.n_heads", 5),
        (f"{ENCODER}.ff_expansion_factor", 0),
        (f"{ENCODER}.subsampling", "striding"),
        (f"{ENCODER}.subsampling_factor", 4),
        (f"{ENCODER}.subsampling_conv_channels", True),
        (f"{ENCODER}.causal_downsampling", False),
        (f"{ENCODER}.self_attention_model", "abs_pos"),
        (f"{ENCODER}.att_context_style", "regular"),
        (f"{ENCODER}.att_context_size", [[70, 0], [56, 0]]),
        (f"{ENCODER}.att_context_size", [70]),
        (f"{ENCODER}.att_context_size", [-1, -1]),
        (f"{ENCODER}.att_context_size", []),
        (f"{ENCODER}.conv_kernel_size", None),
        (f"{ENCODER}.conv_context_size", [4, 4]),
        (f"{ENCODER}.conv_norm_type", "group_norm"),
        (f"{ENCODER}.use_bias", "no"),
        (f"{ENCODER}.xscaling", 0),
        (f"{RNNT}.decoder_config", GONE),
        (f"{RNNT}.decoder_config.prednet.pred_hidden", GONE),
        (f"{RNNT}.decoder_config.prednet.pred_rnn_layers", 0),
        (f"{RNNT}.joint_config.vocabulary", ["a", 1]),
        (f"{RNNT}.joint_config.jointnet.activation", "tanh"),
        (f"{RNNT}.joint_config.jointnet.joint_hidden", "x"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(path: str, value: Any) -> None:
    with pytest.raises(CheckpointError) as raised:
        VoiceChatConfig.from_plain(with_key(path, value))
    assert raised.value.where == f"config.json: {path}"
    assert "\n" not in str(raised.value)

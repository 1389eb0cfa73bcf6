"""The speaking half's tensors agree with each other, or the one that does not is named."""

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
from bot.voicechat.errors import CheckpointError
from bot.voicechat.speechcheck import check_speech

Tensors: TypeAlias = dict[str, Tensor]
BOOKS = "tts_model.tts_model.rvq_embs"
CONTROL = "tts_model._control_codes"
SILENCE = "tts_model.codec_silence_tokens"
ARIA = "tts_model.audio_prompt_latents.Aria"


def change(folder: Path, alter: Callable[[Tensors], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    alter(tensors)
    save_file(tensors, folder / "model.safetensors")


def change_model(folder: Path, key: str, value: Any) -> None:
    plain = json.loads((folder / "config.json").read_text("utf-8"))
    plain["model"][key] = value
    (folder / "config.json").write_text(json.dumps(plain), "utf-8")


def fault(folder: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as raised:
        check_speech(open_checkpoint(folder))
    assert "\n" not in str(raised.value)
    return raised.value


def test_golden_cases_are_sound(case: Any) -> None:
    check_speech(open_checkpoint(case.folder))


def test_a_whole_one_is_sound(original: Path) -> None:
    check_speech(open_checkpoint(original))


@pytest.mark.parametrize(
    ("alter", "name", "what"),
    [
        (lambda t: t[BOOKS][3, 63, 31].add_(1e-6), BOOKS, "codebook 3 is not the codec's"),
        (lambda t: t[BOOKS].copy_(t[BOOKS].flip(0)), BOOKS, "(tts_model.audio_codec.prvq.mus_list"),
        (lambda t: t[CONTROL].copy_(torch.tensor([64, 65, 66])), CONTROL, "want [66, 65, 64]"),
        (lambda t: t[SILENCE][7].fill_(64), SILENCE, "a code is from 0 to 63"),
        (lambda t: t[SILENCE][0].fill_(-1), SILENCE, "a code is from 0 to 63"),
        (lambda t: t[ARIA][0, 36, 47].fill_(float("inf")), ARIA, "NaN or infinity"),
        (lambda t: t[ARIA].zero_(), ARIA, "zero throughout"),
    ],
)
def test_what_does_not_agree_is_named(
    tiny: Path, alter: Callable[[Tensors], object], name: str, what: str
) -> None:
    change(tiny, alter)
    error = fault(tiny)
    assert error.where == f"{tiny / 'model.safetensors'}: {name}"
    assert what in error.what


def test_the_codebooks_may_be_stored_in_a_shorter_float(tiny: Path) -> None:
    def shorten(tensors: Tensors) -> None:
        for name in tensors:
            if name == BOOKS or ".mus_list." in name:
                tensors[name] = tensors[name].bfloat16()

    change(tiny, shorten)
    check_speech(open_checkpoint(tiny))


def test_a_speaker_that_is_not_registered_is_told_with_those_that_are(tiny: Path) -> None:
    change(tiny, lambda t: t.update({ARIA.replace("Aria", "Bo"): t[ARIA] + 1.0}))
    change_model(tiny, "inference_speaker_name", "aria")
    error = fault(tiny)
    assert error.where == f"{tiny / 'config.json'}: model.inference_speaker_name"
    assert error.what == "'aria', and the checkpoint's voices are Aria, Bo"


def test_any_speaker_may_be_named_where_none_is_registered(tiny: Path) -> None:
    change(tiny, lambda t: [t.pop(ARIA), t.pop(SILENCE)])
    check_speech(open_checkpoint(tiny))


def test_without_a_speaking_half_nothing_is_looked_at(tiny: Path) -> None:
    change(tiny, lambda t: t[BOOKS].neg_())
    change_model(tiny, "speech_generation", None)
    check_speech(open_checkpoint(tiny))

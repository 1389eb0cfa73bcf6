"""Both halves together, by the public path, against what NeMo recorded from sound to sound.

NeMo's offline run steps the talker over the prompt's positions too, not at position 0, and leaves
that frame's codes at entry 0; a call does neither. So the driver is here, and not in the product.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bot.voicechat.build import build
from bot.voicechat.checkpoint import open_checkpoint
from bot.voicechat.codecencoder import CodecEncoder
from bot.voicechat.speech import Speech
from bot.voicechat.talker import TalkerState
from bot.voicechat.voices import prompt_wav, recorded

ON = torch.ones(1, dtype=torch.bool)
SOUND = 1e-5


def speech_of(case: Any, folder: Path, **settings: Any) -> Speech:
    """Of a copy, as loading keeps the table of subwords beside the weights."""
    checkpoint = open_checkpoint(shutil.copytree(case.folder, folder / "case"))
    assert checkpoint.config.speech is not None
    model = build(checkpoint, speech=replace(checkpoint.config.speech, **settings))
    assert model.speech is not None
    return model.speech


def voice_of(case: Any, speech: Speech) -> TalkerState:
    """The stored one; without any, of the recorded sound, as NeMo makes it."""
    if speech.latents:
        return speech.prepared()
    checkpoint = open_checkpoint(case.folder)
    encoder = CodecEncoder(speech.config.codec)
    encoder.load(checkpoint.codec("encoder.layers."))
    wav = prompt_wav(case.golden("audio")["speaker_22k05"][0], speech.config)
    codes = encoder.codes(wav[None], speech.decoder.books)[0]
    return speech.talker.prepared(recorded(speech.talker.fusion, codes, "recorded"))


def offline(case: Any, speech: Speech, tokens: list[int], draws: dict[str, Tensor]) -> Tensor:
    """Codes int64 [positions, codebooks] of all ``tokens``, the prompt's positions included."""
    state = speech.new_state(1, len(tokens))
    speech.begin(state, 0, voice_of(case, speech), seed=0)
    codes = [torch.zeros(speech.config.codec.codebooks, dtype=torch.int64)]
    for position, token in enumerate(tokens[1:]):
        # Recorded [frames, passes, 1, size].
        noise = {name: one[position].transpose(0, 1) for name, one in draws.items()}
        codes.append(speech.talker.step(state.talker, torch.tensor([token]), ON, **noise)[0])
    return torch.stack(codes)


GREEDY = {"top": 1, "noise": 0.0}


@pytest.mark.parametrize(
    ("tag", "settings"),
    [("greedy", GREEDY | {"guidance": 0.0}), ("greedy_cfg", GREEDY), ("default", {})],
)
def test_tokens_to_codes_golden(
    case: Any, tmp_path: Path, tag: str, settings: dict[str, Any]
) -> None:
    e2e, tokens = case.golden("e2e"), case.golden("stt")["gen_text_full"][0].tolist()
    draws = {"uniform": e2e["default.u"], "normal": e2e["default.n"]} if not settings else {}
    codes = offline(case, speech_of(case, tmp_path, **settings), tokens, draws)
    assert codes.tolist() == e2e[f"{tag}.codes"][0].tolist()


def test_codes_to_sound_golden(case: Any, tmp_path: Path) -> None:
    """At once, and frame by frame: the latter 8 samples late, but for its first ones."""
    e2e, speech = case.golden("e2e"), speech_of(case, tmp_path)
    codes, want = e2e["greedy.codes"].long(), e2e["greedy.audio"][0]
    whole = speech.decoder.whole(codes)[0]
    torch.testing.assert_close(whole, want, atol=SOUND, rtol=0)
    state = speech.new_state(1, codes.shape[1])
    heard = torch.cat([speech.sound(state, one, ON)[0] for one in codes.unbind(1)])
    assert len(heard) == len(want) == int(e2e["greedy.audio_len"])
    torch.testing.assert_close(heard[14:], want[6:-8], atol=SOUND, rtol=0)

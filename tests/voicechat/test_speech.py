"""The whole model on the tiny checkpoint: rows, voices, seeds, mutes, steppers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from bot.voicechat.build import build, load
from bot.voicechat.checkpoint import open_checkpoint
from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions, CallState, VoiceChat
from bot.voicechat.rows import tensors
from bot.voicechat.speech import Speech
from bot.voicechat.stepping import Inputs, Said, Stepper
from bot.voicechat.turnpolicy import PRESETS
from bot.voicechat.voices import UnknownVoice
from tests.voicechat.calls import LENGTH, alone, stepped, together

OPTIONS = CallOptions(prompt=(1, 40, 41, 2), greedy=False, temperature=2.0, seed=3)


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    return load(original)


def mouth(model: VoiceChat) -> Speech:
    assert model.speech is not None
    return model.speech


def bits(state: CallState) -> list[Tensor]:
    return [one.clone().view(len(one), -1).view(torch.uint8) for one in tensors(state)]


def walk(
    model: VoiceChat, state: CallState, frames: range, mask: list[bool], *, seed: int = 5
) -> Iterator[tuple[Tensor, Tensor]]:
    """Codes and sound of each frame."""
    generator = torch.Generator().manual_seed(seed)
    sound = torch.randn(100, FRAME, generator=generator) * 0.2
    for frame in frames:
        done, pcm = stepped(model, state, sound[frame].expand(len(mask), -1), torch.tensor(mask))
        assert done.codes is not None
        assert pcm is not None
        yield done.codes, pcm


def test_calls_side_by_side_sound_as_calls_alone(model: VoiceChat) -> None:
    calls = together(model, range(10), 8)
    assert len({str(call.codes) for call in calls}) == len(calls)
    for n, call in enumerate(calls):
        single = alone(model, n)
        assert call.text == single.text
        assert call.codes == single.codes
        got, want = torch.cat(call.pcm), torch.cat(single.pcm)
        torch.testing.assert_close(got, want, atol=1e-5, rtol=0)
        assert float(want.std()) > 1e-3


def test_rows_out_of_the_mask_keep_every_bit(model: VoiceChat) -> None:
    state = model.new_state(3, LENGTH)
    for row in range(3):
        model.start(state, row, replace(OPTIONS, turns=PRESETS["responsive"], seed=row))
    list(walk(model, state, range(4), [True] * 3))
    before = bits(state)
    heard = [pcm for _, pcm in walk(model, state, range(4, 8), [True, False, True])]
    after = bits(state)
    assert all(torch.equal(old[1], new[1]) for old, new in zip(before, after, strict=True))
    assert not any(pcm[1].any() for pcm in heard)
    assert all(pcm[0].any() for pcm in heard)


def test_a_row_started_again_mid_run_is_as_new(model: VoiceChat) -> None:
    state, new = model.new_state(2, LENGTH), model.new_state(2, LENGTH)
    model.start(state, 1, replace(OPTIONS, seed=77))
    list(walk(model, state, range(9), [True, True], seed=1))
    assert state.speech is not None
    state.speech.talker.backbone.values[0][1].fill_(float("nan"))
    state.speech.codec.tail[1].fill_(float("nan"))
    model.start(state, 1, OPTIONS)
    model.start(new, 1, OPTIONS)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(bits(state), bits(new), strict=True))
    pairs = zip(
        walk(model, state, range(9), [True, True]),
        walk(model, new, range(9), [True, True]),
        strict=True,
    )
    for (codes, pcm), (others, other) in pairs:
        assert torch.equal(codes[1], others[1])
        assert torch.equal(pcm[1], other[1])


def test_the_seed_is_heard(model: VoiceChat) -> None:
    """Two calls that say the same text with one seed sound alike, with another they do not."""
    state = model.new_state(3, LENGTH)
    for row, seed in enumerate((5, 5, 6)):
        model.start(state, row, CallOptions(seed=seed))
    frames = list(walk(model, state, range(12), [True] * 3))
    assert all(torch.equal(codes[0], codes[1]) for codes, _ in frames)
    assert any(not torch.equal(codes[0], codes[2]) for codes, _ in frames)


def test_a_mute_is_for_the_callers_ears_alone(model: VoiceChat) -> None:
    loud, muted = model.new_state(1, LENGTH), model.new_state(1, LENGTH)
    steppers = [Stepper(model, loud), Stepper(model, muted)]
    heard: list[list[Said]] = [[], []]
    for state in (loud, muted):
        model.start(state, 0, OPTIONS)
    for frame in range(20):
        inputs = Inputs.nobody(1)
        inputs.mask.fill_(True)
        inputs.pcm.copy_(torch.randn(1, FRAME, generator=torch.Generator().manual_seed(frame)))
        heard[0].append(steppers[0](inputs))
        inputs.mute.fill_(frame >= 5)
        heard[1].append(steppers[1](inputs))
    assert loud.speech is not None
    assert muted.speech is not None
    for mine, theirs in zip(tensors(loud.speech.talker), tensors(muted.speech.talker), strict=True):
        assert torch.equal(mine, theirs)
    silent = mouth(model).talker.fusion.silence.expand(1, 20, -1)
    silence = mouth(model).decoder.whole(silent)[0]
    parts = [one.pcm for one in heard[1]]
    quiet = torch.cat([part[0] for part in parts[9:] if part is not None])
    torch.testing.assert_close(quiet, silence[9 * 1764 - 8 : -8], atol=1e-5, rtol=0)
    assert all(torch.equal(a.text, b.text) for a, b in zip(*heard, strict=True))


def test_a_voice_that_is_not_there_is_named_and_the_row_is_as_it_was(model: VoiceChat) -> None:
    state = model.new_state(1, LENGTH)
    model.start(state, 0, OPTIONS)
    list(walk(model, state, range(3), [True]))
    before = bits(state)
    with pytest.raises(UnknownVoice, match="no voice 'Ariel'; there are Aria"):
        model.start(state, 0, CallOptions(voice="Ariel"))
    assert all(torch.equal(old, new) for old, new in zip(before, bits(state), strict=True))


def test_a_voice_is_prefilled_once(model: VoiceChat, monkeypatch: pytest.MonkeyPatch) -> None:
    speech = replace(mouth(model), _prepared={})
    calls: list[str] = []
    talker = speech.talker
    prefill = type(talker).prefill

    def counted(self: Any, state: Any, row: int, voice: Any) -> Tensor:
        calls.append(voice.name)
        return prefill(self, state, row, voice)

    monkeypatch.setattr(type(talker), "prefill", counted)
    assert speech.prepared() is speech.prepared("Aria")
    assert calls == ["Aria"]


@pytest.mark.parametrize("span", [None, 60])
def test_a_stepper_says_what_steps_say(model: VoiceChat, span: int | None) -> None:
    one, two = model.new_state(2, LENGTH), model.new_state(2, LENGTH)
    for state in (one, two):
        model.start(state, 0, OPTIONS)
    stepper, inputs = Stepper(model, one, graphs=True, span=span), Inputs.nobody(2)  # none on a CPU
    inputs.mask[0] = True
    earlier: list[tuple[Tensor, Tensor]] = []
    for frame in range(12):
        inputs.pcm.copy_(torch.randn(2, FRAME, generator=torch.Generator().manual_seed(frame)))
        said, (done, pcm) = stepper(inputs), stepped(model, two, inputs.pcm, inputs.mask)
        assert all(torch.equal(a, b) for a, b in earlier)
        assert torch.equal(said.text, done.frame.text)
        assert torch.equal(said.function, done.frame.function)
        assert done.words is not None
        assert torch.equal(said.pieces, done.words.ids)
        assert pcm is not None
        assert said.pcm is not None
        torch.testing.assert_close(said.pcm, pcm, atol=1e-5, rtol=0)
        earlier = [(part, part.clone()) for part in said if part is not None]


def test_the_rows_of_tokens_are_kept_beside_the_weights_or_in_the_users_cache(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.voicechat.build.USER_CACHE", tmp_path / "cache")
    load(tiny)
    (beside,) = tiny.glob("subwords-*.safetensors")
    assert not (tmp_path / "cache").exists()
    beside.rename(tmp_path / "kept")
    beside.mkdir()  # so that no file can take its place
    load(tiny)
    (kept,) = (tmp_path / "cache").iterdir()
    one, other = load_file(kept), load_file(tmp_path / "kept")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_without_guidance_there_is_one_stream(original: Path) -> None:
    checkpoint = open_checkpoint(original)
    assert checkpoint.config.speech is not None
    lean = build(checkpoint, speech=replace(checkpoint.config.speech, guidance=0.0))
    state = lean.new_state(1, LENGTH)
    assert state.speech is not None
    assert state.speech.talker.backbone.keys[0].shape[1] == 1
    lean.start(state, 0, OPTIONS)
    assert all(pcm.isfinite().all() for _, pcm in walk(lean, state, range(5), [True]))


def test_without_a_mouth_text_comes_as_with_it(original: Path, model: VoiceChat) -> None:
    mute = load(original, speak=False)
    calls, silent = alone(model, 3), alone(mute, 3)
    assert calls.text == silent.text
    assert calls.codes
    assert not silent.codes
    stepper = Stepper(mute, mute.new_state(1, LENGTH))
    assert stepper(Inputs.nobody(1)).pcm is None

"""The whole of the listening half, from a checkpoint's folder and sound: rows, calls, options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bot.voicechat.build import build, load
from bot.voicechat.checkpoint import open_checkpoint
from bot.voicechat.duplex import Dictated
from bot.voicechat.hybridcache import ContextFull
from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions, CallState, VoiceChat
from bot.voicechat.options import OptionError
from bot.voicechat.precision import PRODUCTION
from bot.voicechat.rows import copy_row, tensors
from bot.voicechat.turnpolicy import PRESETS
from tests.voicechat.calls import LENGTH, alone, together

ROWS = 8


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    """It listens and thinks; what it says aloud is tested with ``speech``."""
    return load(original, speak=False)


def test_calls_side_by_side_equal_calls_alone(model: VoiceChat) -> None:
    """Of other prompts, options, seeds, policies and beginnings; rows are used again."""
    calls = together(model, range(ROWS + 4), ROWS)
    assert len({tuple(call.text) for call in calls}) == len(calls)
    for n, call in enumerate(calls):
        single = alone(model, n)
        assert (call.text, call.function) == (single.text, single.function), n
        assert call.pieces == single.pieces
        torch.testing.assert_close(
            torch.stack(call.logits), torch.stack(single.logits), atol=2e-4, rtol=0
        )


def bits(state: CallState) -> list[Tensor]:
    return [one.clone().view(len(one), -1).view(torch.uint8) for one in tensors(state)]


def walk(
    model: VoiceChat, state: CallState, frames: range, mask: list[bool], *, seed: int = 5
) -> list[Any]:
    generator = torch.Generator().manual_seed(seed)
    sound = torch.randn(100, FRAME, generator=generator) * 0.2
    return [
        model.step(state, sound[frame].expand(len(mask), -1), torch.tensor(mask))
        for frame in frames
    ]


OPTIONS = CallOptions(prompt=(1, 40, 41, 2), greedy=False, temperature=2.0, seed=3)


def test_rows_out_of_the_mask_keep_every_bit(model: VoiceChat) -> None:
    state = model.new_state(3, LENGTH)
    for row in range(3):
        model.start(state, row, replace(OPTIONS, turns=PRESETS["responsive"], seed=row))
    walk(model, state, range(6), [True] * 3)
    before = bits(state)
    walk(model, state, range(6, 12), [True, False, True])
    after = bits(state)
    assert all(torch.equal(old[1], new[1]) for old, new in zip(before, after, strict=True))
    changed = [not torch.equal(o[0], n[0]) for o, n in zip(before, after, strict=True)]
    assert sum(changed) > 20


def test_a_call_can_be_kept_and_brought_back_and_go_on_twice(model: VoiceChat) -> None:
    state, kept = model.new_state(2, LENGTH), model.new_state(1, LENGTH)
    model.start(state, 0, OPTIONS)
    walk(model, state, range(5), [True, False])
    copy_row(state, 0, kept, 0)
    first = walk(model, state, range(5, 20), [True, False])
    copy_row(kept, 0, state, 0)
    copy_row(kept, 0, state, 1)
    again = walk(model, state, range(5, 20), [True, True])
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.frame.hidden[0], two.frame.hidden[0])
        assert torch.equal(two.frame.hidden[0], two.frame.hidden[1])
        assert int(one.frame.text[0]) == int(two.frame.text[0]) == int(two.frame.text[1])


def test_a_row_started_again_mid_run_is_as_new(model: VoiceChat) -> None:
    state, new = model.new_state(2, LENGTH), model.new_state(2, LENGTH)
    for row in range(2):
        model.start(state, row, replace(OPTIONS, temperature=0.7, turns=PRESETS["responsive"]))
    walk(model, state, range(9), [True, True], seed=1)
    state.thinking.thinker.layers[0].ssm[1].fill_(float("nan"))
    model.start(state, 1, OPTIONS)
    model.start(new, 1, OPTIONS)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(bits(state), bits(new), strict=True))
    for one, two in zip(
        walk(model, state, range(9), [True, True]),
        walk(model, new, range(9), [True, True]),
        strict=True,
    ):
        assert torch.equal(one.frame.hidden[1], two.frame.hidden[1])


def test_a_start_that_fails_leaves_the_row_as_it_was(model: VoiceChat) -> None:
    state = model.new_state(1, LENGTH)
    model.start(state, 0, OPTIONS)
    walk(model, state, range(3), [True])
    before = bits(state)
    with pytest.raises(OptionError, match=r"top_p: 1\.5"):
        model.start(state, 0, CallOptions(top_p=1.5))
    with pytest.raises(ContextFull, match="no room for 81 positions"):
        model.start(state, 0, CallOptions(prompt=(1,) * (LENGTH + 1)))
    assert all(torch.equal(old, new) for old, new in zip(before, bits(state), strict=True))


def test_a_full_row_does_nothing_more(model: VoiceChat) -> None:
    state = model.new_state(2, 4)
    walk(model, state, range(2), [True, False])
    walk(model, state, range(2, 4), [True, True])
    before = bits(state)
    (done,) = walk(model, state, range(4, 5), [True, True])
    assert int(done.frame.text[0]) == model.ids.pad
    assert all(torch.equal(a[0], b[0]) for a, b in zip(before, bits(state), strict=True))
    assert state.thinking.thinker.position.tolist() == [4, 3]


def test_what_the_host_dictates_is_said_and_read_by_the_next_frame(model: VoiceChat) -> None:
    """A greeting: BOS and its tokens, frame by frame; the other row is not touched by it."""
    greeting = [model.ids.bos, *model.tokenizer.encode("hello you", add_special_tokens=False).ids]
    state, own = model.new_state(2, LENGTH), model.new_state(2, LENGTH)
    host, both = Dictated.nothing(2), torch.tensor([True, True])
    sound = torch.randn(len(greeting) + 1, 2, FRAME) * 0.1
    for token, pcm in zip([*greeting, -1], sound, strict=True):
        host.text[0] = token
        frame = model.step(state, pcm, both, dictated=host).frame
        other = model.step(own, pcm, both).frame
        assert torch.equal(frame.hidden[1], other.hidden[1])
    assert state.thinking.text[0, : len(greeting)].tolist() == greeting
    assert int(state.turns.state.talking[0]) == len(greeting) + 1
    assert not torch.equal(frame.hidden[0], other.hidden[0])


def test_a_blank_prompt_is_none_and_others_stand_between_bos_and_eos(model: VoiceChat) -> None:
    assert model.prompt_ids(" \n") == ()
    ids = model.prompt_ids("help")
    assert (ids[0], ids[-1]) == (1, 2)
    assert model.tokenizer.decode(list(ids[1:-1])) == "help"


@pytest.mark.parametrize("use_meta_device", [False, True])
def test_with_and_without_the_meta_device_it_is_the_same_model(
    original: Path, model: VoiceChat, use_meta_device: bool
) -> None:
    other = build(open_checkpoint(original), speak=False, use_meta_device=use_meta_device)
    for mine, theirs in (
        (model.perception, other.perception),
        (model.llm.thinker, other.llm.thinker),
        (model.rnnt, other.rnnt),
    ):
        assert mine is not None
        assert theirs is not None
        for name, tensor in mine.state_dict().items():
            assert torch.equal(tensor, theirs.state_dict()[name]), name
        assert not any(p.requires_grad or p.is_meta for p in theirs.parameters())


@pytest.mark.parametrize("use_meta_device", [False, True])
def test_in_production_the_mind_is_bfloat16_and_the_ears_are_not(
    original: Path, use_meta_device: bool
) -> None:
    model = build(
        open_checkpoint(original),
        profile=PRODUCTION,
        use_meta_device=use_meta_device,
        speak=False,
    )
    assert model.llm.thinker.dtype == torch.bfloat16
    assert model.perception.proj.weight.dtype == torch.float32
    mixer = model.llm.thinker.llm.layers[0].mixer
    assert {mixer.A_log.dtype, mixer.D.dtype, mixer.dt_bias.dtype} == {torch.float32}
    state = model.new_state(1, LENGTH)
    model.start(state, 0, CallOptions(prompt=model.prompt_ids("hello")))
    done = walk(model, state, range(20), [True])
    assert all(one.frame.logits.text.isfinite().all() for one in done)
    assert not state.sampler.broken.any()

"""The encoder against transformers' own forward, and its rows against each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache, NemotronAsrStreamingEncoder

from bot.voicechat.config import EncoderConfig
from bot.voicechat.encoder import Encoder, EncoderState, _class_config
from bot.voicechat.rows import copy_row, tensors

LEFT = 5
CONFIG = EncoderConfig(
    mel_bins=20,
    layers=2,
    width=16,
    heads=2,
    feed_forward=24,
    channels=4,
    kernel=9,
    left=LEFT,
    lookaheads=(0, 1, 2),
    batch_norm=False,
    bias=True,
    scale_input=True,
)
FRAMES = 15  # the places of the keys are gone round twice


def pair(config: EncoderConfig) -> tuple[Encoder, NemotronAsrStreamingEncoder]:
    """Ours and transformers', of the same random weights."""
    ours, theirs = Encoder(config), NemotronAsrStreamingEncoder(_class_config(config))
    draw = torch.Generator().manual_seed(3)
    for name, tensor in ours.state_dict().items():
        values = torch.randn(tensor.shape, generator=draw) * 0.3
        tensor.copy_(values + 1.0 if "norm" in name and name.endswith("weight") else values)
    theirs.load_state_dict(ours.state_dict())
    theirs.eval().requires_grad_(False)
    ours.prepare()
    return ours, theirs


def sound(frames: int, seed: int = 0) -> Tensor:
    """Mel columns ``[1, bins, 8 frames - 7]``: column 0 is frame 0."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(1, CONFIG.mel_bins, 8 * frames - 7, generator=draw)


def framed(mel: Tensor) -> list[Tensor]:
    """``[1, bins, 8]`` a frame; before the first column there is nothing."""
    return list(torch.nn.functional.pad(mel, (7, 0)).split(8, -1))


def endless(rows: int) -> Tensor:
    return torch.full((rows,), 1_000_000)


def run(
    encoder: Encoder, state: EncoderState, mel: Tensor, mask: Tensor | None = None
) -> list[Tensor]:
    rows = state.frames.shape[0]
    mask = torch.ones(rows, dtype=torch.bool) if mask is None else mask
    return [
        encoder.step(state, columns.expand(rows, -1, -1), endless(rows), mask)
        for columns in framed(mel)
    ]


@pytest.mark.parametrize("lookahead", [0, 1, 2])
def test_valid_rows_of_the_whole_are_those_of_transformers(lookahead: int) -> None:
    ours, theirs = pair(CONFIG)
    mel, valid = sound(FRAMES).expand(2, -1, -1).clone(), torch.tensor([113, 50])
    mel[1, :, 50:] = 0
    got, rows = ours.whole(mel, valid, lookahead)
    mask = torch.arange(mel.shape[-1]) < valid[:, None]
    want = theirs(mel.transpose(1, 2), attention_mask=mask, num_lookahead_tokens=lookahead)
    assert rows.tolist() == want.attention_mask.sum(-1).tolist()
    for row, count in enumerate(rows.tolist()):
        assert torch.allclose(got[row, :count], want.last_hidden_state[row, :count], atol=1e-5)
    assert got.isfinite().all()


@pytest.mark.parametrize("bias", [True, False])
def test_steps_are_those_of_transformers_with_its_cache(bias: bool) -> None:
    ours, theirs = pair(replace(CONFIG, bias=bias))
    mel = sound(FRAMES)
    got = run(ours, ours.new_state(1), mel)
    cache, padding = DynamicCache(config=theirs.config), None
    for columns, row in zip([mel[..., :1], *mel[..., 1:].split(8, -1)], got, strict=True):
        out = theirs(
            columns.transpose(1, 2),
            past_key_values=cache,
            padding_cache=padding,
            use_cache=True,
            num_lookahead_tokens=0,
        )
        padding = out.padding_cache
        assert torch.allclose(row, out.last_hidden_state[:, 0], atol=1e-5)


@pytest.mark.parametrize("left", [0, 1, 30])
def test_steps_equal_the_whole(left: int) -> None:
    ours, _ = pair(replace(CONFIG, left=left))
    mel = sound(FRAMES)
    whole, _ = ours.whole(mel, torch.tensor([mel.shape[-1]]))
    got = torch.stack(run(ours, ours.new_state(1), mel), 1)
    assert torch.allclose(got, whole[:, :FRAMES], atol=1e-5)


@pytest.mark.parametrize("columns", [1, 2, 7, 8, 9, 10, 33, 34, 39, 40])
def test_the_rows_at_an_end_equal_the_whole(columns: int) -> None:
    ours, _ = pair(CONFIG)
    mel = sound(6)[..., : columns + 1].clone()
    mel[..., columns] = 0
    whole, rows = ours.whole(mel, torch.tensor([columns]))
    padded = torch.nn.functional.pad(mel, (0, 8 * int(rows) - 7 - mel.shape[-1]))
    state, on = ours.new_state(1), torch.ones(1, dtype=torch.bool)
    got = [
        ours.step(state, part, torch.tensor([min(columns, 8 * k + 1)]), on)
        for k, part in enumerate(framed(padded))
    ]
    assert torch.allclose(torch.stack(got, 1), whole[:, : len(got)], atol=1e-5)


def test_a_masked_row_keeps_every_bit_and_no_tensor_moves() -> None:
    ours, _ = pair(CONFIG)
    state = ours.new_state(3)
    run(ours, state, sound(8))
    before = [(tensor.clone(), tensor.data_ptr()) for tensor in tensors(state)]
    run(ours, state, sound(1, seed=2), torch.tensor([True, False, True]))
    for (old, address), new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[1], new[1])
        assert not torch.equal(old[0], new[0])
        assert new.data_ptr() == address


def test_rows_of_different_age_are_each_as_alone() -> None:
    ours, _ = pair(CONFIG)
    starts = [0, 3, 3, 9]
    alone = [torch.cat(run(ours, ours.new_state(1), sound(FRAMES, seed=s))) for s in range(4)]
    parts = [framed(sound(FRAMES, seed=s)) for s in range(4)]
    state = ours.new_state(4)
    for tick in range(FRAMES):
        mask = torch.tensor([tick >= start for start in starts])
        at = [max(0, tick - start) for start in starts]
        columns = torch.cat([parts[row][at[row]] for row in range(4)])
        out = ours.step(state, columns, endless(4), mask)
        for row in range(4):
            if mask[row]:
                assert torch.allclose(out[row], alone[row][at[row]], atol=1e-5)


def test_a_fork_goes_on_bit_for_bit() -> None:
    ours, _ = pair(CONFIG)
    state, kept = ours.new_state(1), ours.new_state(1)
    run(ours, state, sound(9))
    copy_row(state, 0, kept, 0)
    first = run(ours, state, sound(4, seed=1))
    copy_row(kept, 0, state, 0)
    again = run(ours, state, sound(4, seed=1))
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one, two)


def test_a_row_made_fresh_hears_nothing_of_before() -> None:
    ours, _ = pair(CONFIG)
    state = ours.new_state(2)
    run(ours, state, sound(9))
    copy_row(ours.new_state(1), 0, state, 1)
    got = run(ours, state, sound(7, seed=4))
    fresh = run(ours, ours.new_state(2), sound(7, seed=4))
    for one, two in zip(got, fresh, strict=True):
        assert torch.equal(one[1], two[1])
        assert not torch.equal(one[0], two[0])

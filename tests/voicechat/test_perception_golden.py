"""Ears against what NeMo recorded, and streams against whole recordings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Protocol

import pytest
import torch
from torch import Tensor

from bot.voicechat import layout
from bot.voicechat.config import EncoderConfig, VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.mel import FRAME, LEAD, frames_of, packets
from bot.voicechat.perception import PREFIX, Perception, PerceptionState
from bot.voicechat.rows import copy_row, tensors

RECORDED, STREAMED = 2e-4, 1e-4


class Golden(Protocol):
    """A case, as the fixture has it."""

    config: VoiceChatConfig

    def section(self, prefix: str) -> dict[str, Tensor]: ...
    def golden(self, stem: str) -> dict[str, Tensor]: ...


def ears(case: Golden) -> Perception:
    perception = Perception(case.config)
    perception.load(case.section(PREFIX))
    return perception


def heard(case: Golden) -> Tensor:
    """float32 ``[samples]``."""
    return case.golden("audio")["user_16k"][0]


def whole(perception: Perception, wav: Tensor, lookahead: int = 0) -> Tensor:
    """Valid rows ``[T, width]``."""
    encoded, valid = perception.whole(wav[None], torch.tensor([len(wav)]), lookahead)
    return encoded[0, : int(valid)]


def stream(
    perception: Perception, state: PerceptionState, wav: Tensor, *, row: int = 0, first: int = 0
) -> Iterator[Tensor]:
    """Frames from ``first`` on of one row among those of ``state``, which do nothing."""
    rows = state.mel.frames.shape[0]
    mask = torch.arange(rows) == row
    for pcm, samples in list(zip(*packets(wav), strict=True))[first:]:
        encoded, _ = perception.step(state, pcm.expand(rows, -1), mask, samples.expand(rows))
        yield encoded[row]


def streamed(perception: Perception, wav: Tensor) -> Tensor:
    return torch.stack(list(stream(perception, perception.new_state(1), wav)))


def close(got: Tensor, want: Tensor, limit: float) -> bool:
    return got.shape == want.shape and bool((got - want).abs().max() <= limit)


def test_mel_is_the_golden_one(case: Golden) -> None:
    wav, want = heard(case), case.golden("perception")
    mel, valid = ears(case).mel.whole(wav[None], torch.tensor([len(wav)]))
    assert close(mel, want["mel"], RECORDED)
    assert torch.equal(valid, want["mel_len"])


def test_every_layer_is_golden_in_all_rows(case: Golden) -> None:
    perception, wav, want = ears(case), heard(case), case.golden("perception")
    encoder = perception.encoder
    got: list[Tensor] = []
    for module in (encoder.subsampling, *encoder.layers):
        module.register_forward_hook(lambda _, __, out: got.append(out.clone()))
    encoded, valid = perception.whole(wav[None], torch.tensor([len(wav)]))
    names = ["pre_encode", *(f"layer{i}" for i in range(len(encoder.layers)))]
    for name, out in zip(names, got, strict=True):
        assert close(out, want[name], RECORDED), name
    assert close(encoded, want["enc"], RECORDED)
    assert close(perception.project(encoded), want["proj"], RECORDED)
    assert torch.equal(valid, want["enc_len"])


def test_lookahead_is_golden(case: Golden) -> None:
    perception, wav, want = ears(case), heard(case), case.golden("perception")
    ahead = [one for one in case.config.encoder.lookaheads if one]
    assert ahead
    for lookahead in ahead:
        got, _ = perception.whole(wav[None], torch.tensor([len(wav)]), lookahead)
        assert close(got, want[f"offline.la{lookahead}.enc"], RECORDED), lookahead


def test_a_batch_is_golden_in_all_rows(case: Golden) -> None:
    perception, wav, want = ears(case), heard(case), case.golden("perception")
    lengths = want["batch2.len"]
    both = torch.stack([wav, wav.flip(0)])
    both[1, int(lengths[1]) :] = 0
    got, valid = perception.whole(both, lengths)
    assert close(got, want["batch2.enc"], RECORDED)
    assert torch.equal(valid, want["batch2.enc_len"])


def test_a_stream_is_golden_from_the_first_row_to_the_flushed_last(case: Golden) -> None:
    perception, wav, want = ears(case), heard(case), case.golden("perception")
    rows = int(want["enc_len"])
    state, on = perception.new_state(1), torch.ones(1, dtype=torch.bool)
    got = [perception.step(state, p[None], on, n[None]) for p, n in zip(*packets(wav), strict=True)]
    assert len(got) == rows
    assert close(torch.cat([one for one, _ in got]), want["enc"][0, :rows], STREAMED)
    assert close(torch.cat([one for _, one in got]), want["proj"][0, :rows], STREAMED)


@pytest.mark.parametrize("samples", [0, 100, 199, 319, 320, 1279, 1280, 1599, 1600, 5000, 6719])
def test_a_stream_of_any_length_equals_the_whole(case: Golden, samples: int) -> None:
    perception, wav = ears(case), heard(case)[3000 : 3000 + samples]
    got, want = streamed(perception, wav), whole(perception, wav)
    assert len(got) == frames_of(samples)
    assert close(got, want, STREAMED)


@pytest.mark.parametrize("k", [0, 1, 7])
def test_a_frame_runs_67_ms_early_unchanged(case: Golden, k: int) -> None:
    perception, wav = ears(case), heard(case)[:16_000]
    want = whole(perception, wav)
    cut = wav.clone()
    cut[1280 * k + LEAD :] = torch.nan
    frames = stream(perception, perception.new_state(1), cut)
    got = torch.stack([row for row, _ in zip(frames, range(k + 1), strict=False)])
    assert close(got, want[: k + 1], STREAMED)


def test_eight_rows_with_their_own_starts_are_each_as_alone(case: Golden) -> None:
    perception, wav = ears(case), heard(case)
    calls = [wav[1777 * row :][: 9000 + 997 * row] for row in range(8)]
    starts = [0, 0, 1, 2, 5, 5, 9, 14]
    parts = [packets(call) for call in calls]
    got: list[list[Tensor]] = [[] for _ in calls]
    state = perception.new_state(8)
    for tick in range(30):
        at = [tick - start for start in starts]
        on = [0 <= now < len(part[0]) for now, part in zip(at, parts, strict=True)]
        pcm, samples = torch.full((8, FRAME), torch.nan), torch.full((8,), FRAME)
        for row in range(8):
            if on[row]:
                pcm[row], samples[row] = parts[row][0][at[row]], parts[row][1][at[row]]
        encoded, _ = perception.step(state, pcm, torch.tensor(on), samples)
        for row in range(8):
            if on[row]:
                got[row].append(encoded[row])
    for row in range(8):
        assert close(torch.stack(got[row]), streamed(perception, calls[row]), 1e-5)
        assert close(torch.stack(got[row]), whole(perception, calls[row]), STREAMED)


def test_masked_rows_keep_every_bit(case: Golden) -> None:
    perception, wav = ears(case), heard(case)[:6400]
    state = perception.new_state(2)
    list(stream(perception, state, wav, row=1))
    before = [tensor.clone() for tensor in tensors(state)]
    for _ in zip(range(4), stream(perception, state, wav.flip(0)), strict=False):
        pass
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[1], new[1])
        assert not torch.equal(old[0], new[0])


def test_a_fork_and_a_restored_row_go_on_bit_for_bit(case: Golden) -> None:
    perception, wav = ears(case), heard(case)[:25_600]
    state, kept = perception.new_state(2), perception.new_state(1)
    begun = stream(perception, state, wav, row=1)
    for _ in range(9):
        next(begun)
    copy_row(state, 1, kept, 0)
    want = torch.stack(list(begun))
    copy_row(kept, 0, state, 0)
    assert torch.equal(torch.stack(list(stream(perception, state, wav, first=9))), want)


def test_a_row_reset_while_another_runs_starts_clean(case: Golden) -> None:
    perception, wav = ears(case), heard(case)[:12_800]
    state, fresh = perception.new_state(2), perception.new_state(1)
    list(stream(perception, state, wav.flip(0), row=0))
    other = stream(perception, state, wav, row=1)
    ahead = [next(other) for _ in range(4)]
    copy_row(fresh, 0, state, 0)
    got = torch.stack(list(stream(perception, state, wav, row=0)))
    unused = perception.new_state(2)
    assert torch.equal(got, torch.stack(list(stream(perception, unused, wav, row=0))))
    assert close(torch.stack([*ahead, *other]), whole(perception, wav), STREAMED)


def test_a_step_asks_no_value_of_the_device_and_moves_no_tensor(case: Golden) -> None:
    """On ``meta`` there are no values: what would ask for one, as no captured graph may, fails."""
    perception = ears(case)
    state = perception.new_state(2)
    before = [tensor.data_ptr() for tensor in tensors(state)]
    perception.step(state, torch.zeros(2, FRAME), torch.tensor([True, False]))
    assert [tensor.data_ptr() for tensor in tensors(state)] == before
    perception.to("meta")
    state, on = perception.new_state(2), torch.ones(2, dtype=torch.bool, device="meta")
    samples = torch.full((2,), FRAME, device="meta")
    encoded, projected = perception.step(state, torch.zeros(2, FRAME, device="meta"), on, samples)
    assert encoded.shape == (2, case.config.encoder.width)
    assert projected.shape == (2, case.config.thinker.hidden)


def test_building_draws_nothing_and_loading_copies_nothing(case: Golden) -> None:
    before, weights = torch.get_rng_state(), case.section(PREFIX)
    with torch.device("meta"):
        perception = Perception(case.config)
    perception.load(weights)
    assert torch.equal(torch.get_rng_state(), before)
    assert dict(layout.perception(case.config)) == {n: tuple(t.shape) for n, t in weights.items()}
    assert perception.proj.weight.data_ptr() == weights["proj.weight"].data_ptr()
    assert not any(p.requires_grad or p.is_meta for p in perception.parameters())


def test_the_released_checkpoint_has_these_tensors(case: Golden) -> None:
    released = EncoderConfig(
        mel_bins=128,
        layers=24,
        width=1024,
        heads=8,
        feed_forward=4096,
        channels=256,
        kernel=9,
        left=70,
        lookaheads=(0,),
        batch_norm=False,
        bias=False,
        scale_input=False,
    )
    thinker = replace(case.config.thinker, hidden=4480)
    shapes = dict(layout.perception(replace(case.config, encoder=released, thinker=thinker)))
    assert len(shapes) == 640
    assert round(sum(prod(shape) for shape in shapes.values()) / 1e6, 1) == 613.8
    assert shapes["encoder.pre_encode.out.weight"] == (1024, 4352)
    assert shapes["encoder.layers.23.self_attn.pos_bias_u"] == (8, 128)
    assert shapes["proj.weight"] == (4480, 1024)


def test_bfloat16_weights_are_heard_with_in_float32(case: Golden) -> None:
    perception = Perception(case.config)
    floats = case.section(PREFIX).items()
    perception.load({n: t.bfloat16() if t.is_floating_point() else t for n, t in floats})
    assert {t.dtype for t in tensors(perception.new_state(1))} == {torch.float32, torch.int64}
    assert whole(perception, heard(case)[:1280]).dtype == torch.float32


@pytest.mark.parametrize("name", ["proj.bias", "encoder.layers.1.conv.batch_norm.weight"])
def test_a_wrong_tensor_is_named(case: Golden, name: str) -> None:
    weights = case.section(PREFIX)
    for wrong, what in (
        ({n: t for n, t in weights.items() if n != name}, "missing"),
        (
            weights | {name: torch.zeros(3)},
            "of shape \\[3\\], where",
        ),
    ):
        with pytest.raises(CheckpointError, match=rf"stt_model\.perception\.{name}: {what}"):
            Perception(case.config).load(wrong)
    with pytest.raises(CheckpointError, match=r"perception\.more: no such tensor"):
        Perception(case.config).load(weights | {"more": torch.zeros(1)})

"""The backbone against transformers' own, and by the rules of rows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import Gemma3TextConfig, Gemma3TextModel

from bot.voicechat.errors import CheckpointError
from bot.voicechat.gemma import Backbone
from bot.voicechat.gemmacache import BackboneState
from bot.voicechat.hybridcache import ContextFull
from bot.voicechat.rows import copy_row, tensors
from bot.voicechat.speechconfig import BackboneConfig
from bot.voicechat.speechlayout import TTS
from tests.voicechat.talking import RELEASED

WIDTH, WINDOW, LENGTH = 24, 5, 16
CONFIG = BackboneConfig(
    hidden=WIDTH,
    intermediate=40,
    heads=3,
    head_dim=8,
    full=(False, True, False),
    window=WINDOW,
    query_scalar=20.0,
    theta_full=1e6,
    theta_sliding=1e4,
)


@pytest.fixture(scope="module")
def theirs() -> Gemma3TextModel:
    """Random weights; norms that are no ones, and angles that make a difference."""
    config = Gemma3TextConfig(
        vocab_size=8,
        hidden_size=WIDTH,
        intermediate_size=CONFIG.intermediate,
        num_hidden_layers=3,
        num_attention_heads=CONFIG.heads,
        num_key_value_heads=CONFIG.heads,
        head_dim=CONFIG.head_dim,
        sliding_window=WINDOW,
        query_pre_attn_scalar=20,
        layer_types=["full_attention" if full else "sliding_attention" for full in CONFIG.full],
        attn_implementation="eager",
    )
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = Gemma3TextModel(config).eval()
        for parameter in model.parameters():
            parameter.data.normal_(0.0, 0.3)
    return model


@pytest.fixture(scope="module")
def weights(theirs: Gemma3TextModel) -> dict[str, Tensor]:
    named = theirs.state_dict()
    return {name: one for name, one in named.items() if not name.startswith("embed_tokens")}


@pytest.fixture(scope="module")
def ours(weights: dict[str, Tensor]) -> Backbone:
    with torch.device("meta"):
        backbone = Backbone(CONFIG)
    backbone.load(weights)
    return backbone


def inputs(*, rows: int, frames: int, streams: int = 2, seed: int = 0) -> Tensor:
    """[frames, rows, streams, width]"""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(frames, rows, streams, WIDTH, generator=generator)


def everyone(rows: int) -> Tensor:
    return torch.ones(rows, dtype=torch.bool)


def run(backbone: Backbone, x: Tensor, *, span: int | None = None) -> tuple[Tensor, BackboneState]:
    """All rows from the start, frame by frame."""
    state = backbone.new_state(x.shape[1], x.shape[2], LENGTH)
    steps = [backbone.step(state, frame, everyone(len(frame)), span=span) for frame in x]
    return torch.stack(steps), state


def close(got: Tensor, want: Tensor, limit: float = 2e-5) -> None:
    torch.testing.assert_close(got, want, atol=limit, rtol=0)


@torch.no_grad()
def test_steps_and_prompts_equal_transformers(theirs: Gemma3TextModel, ours: Backbone) -> None:
    x = inputs(rows=2, frames=14)
    want = theirs(inputs_embeds=x.flatten(1, 2).transpose(0, 1), use_cache=False).last_hidden_state
    want = want.transpose(0, 1).view_as(x)
    got, stepped = run(ours, x)
    close(got, want)
    state = ours.new_state(2, 2, LENGTH)
    for row in range(2):
        close(ours.prefill(state, row, x[:9, row].transpose(0, 1)), want[:9, row].transpose(0, 1))
    for frame in range(9, 14):
        close(ours.step(state, x[frame], everyone(2)), want[frame])
    for one, other in zip(state.keys + state.values, stepped.keys + stepped.values, strict=True):
        close(one, other)
    assert torch.equal(state.position, stepped.position)


def test_streams_share_nothing_but_the_position(ours: Backbone) -> None:
    x = inputs(rows=1, frames=8)
    both, _ = run(ours, x)
    for stream in range(2):
        alone, _ = run(ours, x[:, :, stream : stream + 1])
        close(both[:, :, stream : stream + 1], alone)


def test_rows_of_every_age_equal_rows_alone(ours: Backbone) -> None:
    x, starts = inputs(rows=4, frames=12), (0, 2, 3, 7)
    alone = [run(ours, x[: 12 - start, row : row + 1])[0][:, 0] for row, start in enumerate(starts)]
    state = ours.new_state(4, 2, LENGTH)
    for now in range(12):
        ages = [now - start for start in starts]
        frame = torch.stack([x[max(age, 0), row] for row, age in enumerate(ages)])
        got = ours.step(state, frame, torch.tensor([age >= 0 for age in ages]))
        for row, age in enumerate(ages):
            if age >= 0:
                close(got[row], alone[row][age])


def test_rows_out_of_the_mask_keep_every_bit(ours: Backbone) -> None:
    x = inputs(rows=4, frames=10)
    state = ours.new_state(4, 2, LENGTH)
    some = torch.tensor([True, False, True, False])
    for frame in x[:5]:
        ours.step(state, frame, everyone(4))
    before = [one.clone() for one in tensors(state)]
    places = [one.data_ptr() for one in tensors(state)]
    for frame in x[5:]:
        frame[~some] = torch.nan
        assert ours.step(state, frame, some)[some].isfinite().all()
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[~some], new[~some])
        assert not torch.equal(old[some], new[some])
    assert places == [one.data_ptr() for one in tensors(state)]


def test_a_row_that_is_not_finite_leaves_others_alone(ours: Backbone) -> None:
    x = inputs(rows=2, frames=6)
    want, _ = run(ours, x)
    x[2, 0] = torch.nan
    got, _ = run(ours, x)
    assert got[2:, 0].isnan().all()
    assert torch.equal(got[:, 1], want[:, 1])


def test_a_row_forks_and_starts_again(ours: Backbone) -> None:
    x = inputs(rows=2, frames=8)
    want, state = run(ours, x)
    kept = ours.new_state(1, 2, LENGTH)
    copy_row(state, 1, kept, 0)
    copy_row(ours.new_state(1, 2, LENGTH), 0, state, 1)
    again = torch.stack([ours.step(state, frame, everyone(2)) for frame in x])
    close(again[:, 1], want[:, 1])
    for row in range(2):
        copy_row(kept, 0, state, row)
    got = ours.step(state, x[0, 1].expand(2, 2, WIDTH), everyone(2))
    close(got[0], got[1])
    assert state.position.tolist() == [9, 9]


@pytest.mark.parametrize("span", [10, 11, LENGTH, LENGTH + 7])
def test_a_span_that_has_room_changes_nothing(ours: Backbone, span: int) -> None:
    x = inputs(rows=3, frames=10)
    close(run(ours, x, span=span)[0], run(ours, x)[0], 1e-6)


def test_a_row_beyond_the_span_may_sit_out(ours: Backbone) -> None:
    """Young rows are not made to read as far as an old one that is not stepping."""
    x = inputs(rows=2, frames=9)
    _, state = run(ours, x)
    copy_row(ours.new_state(1, 2, LENGTH), 0, state, 0)
    before = [one[1].clone() for one in tensors(state)]
    young = torch.tensor([True, False])
    got = torch.stack([ours.step(state, frame, young, span=4) for frame in x[:4]])
    close(got[:, 0], run(ours, x)[0][:4, 0])
    assert got.isfinite().all()
    assert all(torch.equal(a, b[1]) for a, b in zip(before, tensors(state), strict=True))


def test_a_full_row_takes_no_more(ours: Backbone) -> None:
    x = inputs(rows=2, frames=LENGTH + 2)
    _, state = run(ours, x[:LENGTH])
    copy_row(ours.new_state(1, 2, LENGTH), 0, state, 1)
    assert state.going(everyone(2)).tolist() == [False, True]
    before = [one[0].clone() for one in tensors(state)]
    ours.step(state, x[LENGTH], everyone(2))
    assert all(torch.equal(a, b[0]) for a, b in zip(before, tensors(state), strict=True))
    assert state.position.tolist() == [LENGTH, 1]


def test_prompts_are_for_fresh_rows_that_have_room(ours: Backbone) -> None:
    state = ours.new_state(2, 2, LENGTH)
    prompt = inputs(rows=1, frames=LENGTH + 1)[:, 0].transpose(0, 1)
    with pytest.raises(ContextFull, match="row 1: no room for 17 positions"):
        ours.prefill(state, 1, prompt)
    ours.prefill(state, 1, prompt[:, :LENGTH])
    with pytest.raises(ValueError, match="row 1: a prompt is for a fresh row"):
        ours.prefill(state, 1, prompt[:, :1])
    assert state.position.tolist() == [0, LENGTH]


@pytest.mark.parametrize("kind", ["weights and state", "state"])
def test_bfloat16_is_near(ours: Backbone, weights: dict[str, Tensor], kind: str) -> None:
    x = inputs(rows=2, frames=12)
    short = Backbone(CONFIG)
    half = {name: one.bfloat16() for name, one in weights.items()}
    short.load(half if kind == "weights and state" else weights)
    state = short.new_state(2, 2, LENGTH, dtype=torch.bfloat16)
    assert {one.dtype for one in (*state.keys, *state.values)} == {torch.bfloat16}
    got = torch.stack([short.step(state, frame, everyone(2)) for frame in x])
    want, _ = run(ours, x)
    assert got.dtype == torch.float32
    error = (got - want).norm() / want.norm()
    assert 0 < error < 0.03
    wanted = torch.bfloat16 if kind == "weights and state" else torch.float32
    assert short.dtype == wanted
    assert short.new_state(1, 1, 1).keys[0].dtype == wanted


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("layers.2.self_attn.k_norm.weight", None),
        ("layers.3.input_layernorm.weight", torch.zeros(WIDTH)),
        ("layers.0.mlp.down_proj.weight", torch.zeros(40, WIDTH)),
        ("embed_tokens.weight", torch.zeros(8, WIDTH)),
    ],
)
def test_a_wrong_tensor_is_named(
    weights: dict[str, Tensor], name: str, change: Tensor | None
) -> None:
    changed: dict[str, Any] = {**weights, name: change}
    if change is None:
        del changed[name]
    with pytest.raises(CheckpointError) as caught:
        Backbone(CONFIG).load(changed)
    assert caught.value.where == f"{TTS}backbone.{name}"


def test_nothing_in_a_step_of_the_released_size_depends_on_a_value() -> None:
    with torch.device("meta"):
        backbone = Backbone(RELEASED.backbone)
        state = backbone.new_state(4, 2, 7500)
        out = backbone.step(state, torch.empty(4, 2, 1152), torch.empty(4, dtype=torch.bool))
        short = backbone.step(
            state, torch.empty(4, 2, 1152), torch.empty(4, dtype=torch.bool), span=512
        )
    assert out.shape == short.shape == (4, 2, 1152)
    assert len(backbone.state_dict()) == 365
    assert sum(one.numel() for one in backbone.parameters()) == 594_676_800
    assert sum(one[0, :, :, :1].nbytes for one in (*state.keys, *state.values)) == 516_096

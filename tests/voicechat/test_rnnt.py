"""The caller's words against transformers' own greedy decoding."""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from transformers import (
    NemotronAsrStreamingConfig,
    NemotronAsrStreamingEncoderConfig,
    NemotronAsrStreamingForRNNT,
)

from bot.voicechat.config import RnntConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.graphs import capture
from bot.voicechat.rnnt import SYMBOLS_PER_FRAME, Rnnt, RnntState
from bot.voicechat.rows import copy_row, tensors

WIDTH, HIDDEN, PIECES = 32, 24, 40
CONFIG = RnntConfig(pieces=tuple(f"p{n}" for n in range(PIECES)), hidden=HIDDEN, layers=2, joint=24)
TRANSFORMERS_NAMES = (
    (r"decoder\.embedding", "rnnt_decoder.prediction.embed"),
    (r"decoder\.lstm", "rnnt_decoder.prediction.dec_rnn.lstm"),
    (r"encoder_projector", "rnnt_joint.enc"),
    (r"decoder\.decoder_projector", "rnnt_joint.pred"),
    (r"joint\.head", "rnnt_joint.joint_net.2"),
)


@pytest.fixture(scope="module")
def theirs() -> NemotronAsrStreamingForRNNT:
    """Random weights that say blanks and symbols, and now and then ten symbols in one frame."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        encoder = NemotronAsrStreamingEncoderConfig(
            hidden_size=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
            subsampling_conv_channels=8,
            num_mel_bins=16,
            sliding_window=9,
            default_num_lookahead_tokens=0,
        )
        config = NemotronAsrStreamingConfig(
            vocab_size=PIECES + 1,
            decoder_hidden_size=HIDDEN,
            num_decoder_layers=2,
            blank_token_id=PIECES,
            encoder_config=encoder,
        )
        model = NemotronAsrStreamingForRNNT(config).eval()
        for part, deviation in (
            (model.encoder.subsampling, 0.3),
            (model.encoder.layers, 0.2),
            (model.encoder_projector, 0.5),
            (model.decoder, 1.0),
            (model.decoder.embedding, 2.0),
            (model.joint, 0.3),
        ):
            for parameter in part.parameters():
                if parameter.dim() > 1:
                    parameter.data.normal_(0.0, deviation)
        model.joint.head.bias.data[PIECES] += 3.0
    return model


def named_as_in_the_checkpoint(model: NemotronAsrStreamingForRNNT) -> dict[str, Tensor]:
    weights = {}
    for name, tensor in model.state_dict().items():
        for pattern, ours in TRANSFORMERS_NAMES:
            if re.match(pattern, name):
                weights[re.sub(f"^{pattern}", ours, name)] = tensor.clone()
    return weights


@pytest.fixture(scope="module")
def ours(theirs: NemotronAsrStreamingForRNNT) -> Rnnt:
    model = Rnnt(CONFIG, width=WIDTH)
    model.load(named_as_in_the_checkpoint(theirs))
    return model


def mel(*, seed: int, columns: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, columns, 16, generator=generator) * 2.0


def by_frame(model: NemotronAsrStreamingForRNNT, heard: Tensor) -> list[list[int]]:
    """What transformers says in each frame: it hands out how far each symbol moves on."""
    said = model.generate(
        heard,
        attention_mask=torch.ones(heard.shape[:2], dtype=torch.long),
        num_lookahead_tokens=0,
        decoder_start_token_id=PIECES,
        max_new_tokens=2000,
    )
    frame = 0
    frames: list[list[int]] = [[] for _ in range(int(said.durations.sum()))]
    pairs = zip(said.sequences[0, 1:].tolist(), said.durations[0, 1:].tolist(), strict=True)
    for symbol, moved in pairs:
        if symbol != PIECES:
            frames[frame].append(symbol)
        frame += moved
    return frames


def rows_of(model: NemotronAsrStreamingForRNNT, heard: Tensor) -> Tensor:
    """The encoder's, before the projection: [frames, width]."""
    with torch.no_grad():
        return model.get_audio_features(heard, num_lookahead_tokens=0).last_hidden_state[0]


def random_rows(*, rows: int, frames: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(frames, rows, WIDTH, generator=generator)


def copies(state: RnntState) -> list[Tensor]:
    return [tensor.clone() for tensor in tensors(state)]


def test_equals_greedy_decoding_of_transformers_for_rows_of_every_age(
    theirs: NemotronAsrStreamingForRNNT, ours: Rnnt
) -> None:
    calls = [mel(seed=n, columns=120 + 40 * n) for n in range(4)]
    starts = (0, 3, 7, 12)
    expected = [by_frame(theirs, call) for call in calls]
    encoded = [rows_of(theirs, call) for call in calls]
    state = ours.new_state(len(calls))
    got: list[list[list[int]]] = [[] for _ in calls]
    for now in range(max(s + len(e) for s, e in zip(starts, encoded, strict=True))):
        ages = [now - start for start in starts]
        due = [0 <= age < len(call) for age, call in zip(ages, encoded, strict=True)]
        frame = torch.stack(
            [call[age] if on else call[0] for call, age, on in zip(encoded, ages, due, strict=True)]
        )
        ids, count = ours.step(state, frame, torch.tensor(due))
        for row, on in enumerate(due):
            assert on or not count[row]
            if on:
                got[row].append(ids[row, : count[row]].tolist())
    assert got == expected
    lengths = {len(frame) for call in expected for frame in call}
    assert {0, 1, SYMBOLS_PER_FRAME} <= lengths, "the weights must show every kind of frame"


def test_what_is_after_the_last_symbol_is_blank(ours: Rnnt) -> None:
    state = ours.new_state(3)
    for frame in random_rows(rows=3, frames=20):
        ids, count = ours.step(state, frame, torch.ones(3, dtype=torch.bool))
        after = torch.arange(SYMBOLS_PER_FRAME) >= count[:, None]
        assert torch.equal(ids == CONFIG.blank, after)


def test_rows_out_of_the_mask_keep_every_bit(ours: Rnnt) -> None:
    state = ours.new_state(4)
    everyone, some = torch.ones(4, dtype=torch.bool), torch.tensor([True, False, True, False])
    frames = random_rows(rows=4, frames=12)
    for frame in frames[:6]:
        ours.step(state, frame, everyone)
    before, addresses = copies(state), [tensor.data_ptr() for tensor in tensors(state)]
    for frame in frames[6:]:
        frame[~some] = torch.nan
        ids, count = ours.step(state, frame, some)
        assert not count[~some].any()
        assert (ids[~some] == CONFIG.blank).all()
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[~some], new[~some])
    assert not torch.equal(before[0][some], state.hidden[some])
    assert addresses == [tensor.data_ptr() for tensor in tensors(state)]


def test_a_blank_moves_nothing(ours: Rnnt) -> None:
    state = ours.new_state(1)
    still = 0
    for frame in random_rows(rows=1, frames=30, seed=5):
        before = copies(state)
        _, count = ours.step(state, frame, torch.ones(1, dtype=torch.bool))
        same = all(torch.equal(a, b) for a, b in zip(before, tensors(state), strict=True))
        assert same == (count.item() == 0)
        still += same
    assert 0 < still < 30


def test_a_row_forks_and_starts_again_while_others_run(ours: Rnnt) -> None:
    frames = random_rows(rows=2, frames=16, seed=2)
    everyone = torch.ones(2, dtype=torch.bool)
    state, alone = ours.new_state(2), ours.new_state(1)
    for frame in frames[:8]:
        ours.step(state, frame, everyone)
    kept = ours.new_state(1)
    copy_row(state, 0, kept, 0)
    copy_row(ours.new_state(1), 0, state, 0)
    for frame in frames[8:]:
        got = ours.step(state, frame, everyone)
        expected = ours.step(alone, frame[:1], everyone[:1])
        assert torch.equal(got.ids[:1], expected.ids)
    copy_row(kept, 0, state, 0)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(tensors(kept), tensors(state), strict=True))


def test_last_is_the_last_symbol(ours: Rnnt) -> None:
    state = ours.new_state(1)
    last = CONFIG.blank
    for frame in random_rows(rows=1, frames=20, seed=4):
        assert state.last.tolist() == [last]
        ids, count = ours.step(state, frame, torch.ones(1, dtype=torch.bool))
        last = int(ids[0, count[0] - 1]) if count[0] else last
    assert last != CONFIG.blank


def test_the_output_layer_may_have_the_number_it_gets_without_dropout(
    theirs: NemotronAsrStreamingForRNNT, ours: Rnnt
) -> None:
    weights = named_as_in_the_checkpoint(theirs)
    moved = {name.replace("joint_net.2", "joint_net.1"): one for name, one in weights.items()}
    again = Rnnt(CONFIG, width=WIDTH)
    again.load({name: one.double() for name, one in moved.items()})
    pairs = zip(again.state_dict().values(), ours.state_dict().values(), strict=True)
    assert all(a.dtype == torch.float32 and torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rnnt_joint.enc.bias", None),
        ("rnnt_joint.joint_net.2.weight", None),
        ("rnnt_decoder.prediction.dec_rnn.lstm.bias_hh_l1", None),
        ("rnnt_decoder.prediction.dec_rnn.lstm.bias_hh_l2", torch.zeros(96)),
        ("rnnt_joint.pred.weight", torch.zeros(24, 23)),
    ],
)
def test_a_wrong_tensor_is_named(
    theirs: NemotronAsrStreamingForRNNT, name: str, change: Tensor | None
) -> None:
    weights = named_as_in_the_checkpoint(theirs)
    weights.pop(name, None)
    if change is not None:
        weights[name] = change
    with pytest.raises(CheckpointError) as caught:
        Rnnt(CONFIG, width=WIDTH).load(weights)
    assert caught.value.where == f"stt_model.{name}"


def test_consecutive_frames_equal_one_run_in_any_grouping(ours: Rnnt) -> None:
    """A row's outcome depends on nothing in any other row."""
    frames = random_rows(rows=5, frames=10, seed=7)
    state = ours.new_state(5)
    together = [ours.step(state, f, torch.ones(5, dtype=torch.bool)) for f in frames]
    for low, high in pairwise((0, 1, 3, 5)):
        part = ours.new_state(high - low)
        mask = torch.ones(high - low, dtype=torch.bool)
        for frame, whole in zip(frames, together, strict=True):
            assert torch.equal(ours.step(part, frame[low:high], mask).ids, whole.ids[low:high])


def test_the_step_asks_the_device_nothing() -> None:
    """On the meta device there are no values: whatever wanted one on the host would raise."""
    with torch.device("meta"):
        model = Rnnt(CONFIG, width=WIDTH)
        mask, encoded = torch.ones(3, dtype=torch.bool), torch.zeros(3, WIDTH)
    ids, count = model.step(model.new_state(3), encoded, mask)
    assert ids.is_meta
    assert ids.shape == (3, SYMBOLS_PER_FRAME)
    assert count.shape == (3,)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_captured_step_says_the_same(theirs: NemotronAsrStreamingForRNNT) -> None:
    model = Rnnt(CONFIG, width=WIDTH)
    model.load({name: one.cuda() for name, one in named_as_in_the_checkpoint(theirs).items()})
    everyone = torch.ones(3, dtype=torch.bool, device="cuda")
    plain, state = model.new_state(3), model.new_state(3)
    frames = random_rows(rows=3, frames=20).cuda()

    step = capture(partial(model.step, state), (frames[0], torch.zeros_like(everyone)))
    for frame in frames:
        assert torch.equal(step(frame, everyone).ids, model.step(plain, frame, everyone).ids)

"""The codec by rows: how a stream may be cut, what rows do to each other, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bot.voicechat.codec import CodecDecoder, CodecState, WrongLength, exact, muted
from bot.voicechat.errors import CheckpointError
from bot.voicechat.graphs import capture
from bot.voicechat.precision import PARITY, PRODUCTION, precision
from bot.voicechat.rows import copy_row, nbytes, tensors
from bot.voicechat.speechconfig import CodecConfig
from tests.voicechat.talking import RELEASED as SPEECH

FRAME = 1764
RELEASED = SPEECH.codec
SMALL = replace(RELEASED, latent=24, base=8, entries=40, codebooks=5)
ROUNDED = 1e-5
"""Of sound in [-1, 1]: a product of more rows of a matrix may be summed in another order."""


def random_weights(module: torch.nn.Module, prefix: str, seed: int) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    weights = {}
    for name, one in module.state_dict().items():
        width = one[0].numel() if one.dim() > 1 else 4
        weights[prefix + name] = torch.randn(one.shape, generator=draw) * width**-0.5
    return weights


def decoder_weights(config: CodecConfig = SMALL) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(1)
    shape = (config.codebooks, config.entries, config.latent)
    books = enumerate(torch.randn(shape, generator=draw))
    layers = random_weights(CodecDecoder(config).layers, "decoder.layers.", 2)
    return layers | {f"prvq.mus_list.{level}": book for level, book in books}


@pytest.fixture(scope="module")
def codec() -> CodecDecoder:
    made = CodecDecoder(SMALL)
    made.load(decoder_weights())
    return made


def codes_of(rows: int, frames: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(SMALL.entries, (rows, frames, SMALL.codebooks), generator=draw)


def on(rows: int) -> Tensor:
    return torch.ones(rows, dtype=torch.bool)


def streamed(codec: CodecDecoder, codes: Tensor, *cuts: int) -> Tensor:
    state, parts = codec.new_state(len(codes)), codes.split(cuts or 1, dim=1)
    return torch.cat([codec.step(state, part, on(len(codes))) for part in parts], 1)


def copies(state: CodecState) -> list[Tensor]:
    return [tensor.clone() for tensor in tensors(state)]


def test_a_stream_has_the_same_bits_however_it_is_cut(codec: CodecDecoder) -> None:
    codes = codes_of(2, 15)
    want = streamed(codec, codes)
    assert want.shape == (2, 15 * FRAME)
    assert want.dtype == torch.float32
    assert 0.05 < want.abs().max() <= 1
    for cuts in ([3] * 5, [5] * 3, [15], [1, 9, 2, 3]):
        assert torch.equal(streamed(codec, codes, *cuts), want)


def test_a_stream_is_the_whole_eight_samples_late(codec: CodecDecoder) -> None:
    codes = codes_of(3, 6)
    got, whole = streamed(codec, codes), codec.whole(codes)
    assert codec.spectrum.late == 8
    assert (got[:, 14:] - whole[:, 6:-8]).abs().max() < ROUNDED


def test_eight_rows_of_different_age_are_each_as_alone(codec: CodecDecoder) -> None:
    codes, starts = codes_of(8, 6), [0, 0, 1, 2, 3, 3, 5, 7]
    state = codec.new_state(8)
    got: list[list[Tensor]] = [[] for _ in starts]
    for now in range(13):
        ages = [now - start for start in starts]
        due = torch.tensor([0 <= age < 6 for age in ages])
        frame = torch.stack([codes[row, min(max(age, 0), 5)] for row, age in enumerate(ages)])
        frame[~due] = -(2**40)
        said = codec.step(state, frame[:, None], due)
        assert not said[~due].any()
        for row in range(8):
            if due[row]:
                got[row].append(said[row])
    for row in range(8):
        alone = streamed(codec, codes[row : row + 1])
        assert (torch.cat(got[row]) - alone[0]).abs().max() < ROUNDED


def test_rows_out_of_the_mask_keep_every_bit_and_nothing_moves(codec: CodecDecoder) -> None:
    state, some = codec.new_state(4), torch.tensor([True, False, True, False])
    codec.step(state, codes_of(4, 2), on(4))
    before, places = copies(state), [tensor.data_ptr() for tensor in tensors(state)]
    codec.step(state, codes_of(4, 3, seed=1), some)
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[~some], new[~some])
        assert not torch.equal(old[some], new[some])
    codec.flush(state, some)
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[~some], new[~some])
    assert places == [tensor.data_ptr() for tensor in tensors(state)]


def test_a_row_of_nan_out_of_the_mask_harms_nobody(codec: CodecDecoder) -> None:
    codes, mask = codes_of(2, 3), torch.tensor([True, False])
    sound, spoilt = codec.new_state(2), codec.new_state(2)
    for tensor in tensors(spoilt):
        tensor[1] = torch.nan
    got = codec.step(spoilt, codes, mask)
    assert torch.equal(got, codec.step(sound, codes, mask))
    for one, other in zip(tensors(spoilt), tensors(sound), strict=True):
        assert torch.equal(one[0], other[0])
        assert one[1].isnan().all()
    copy_row(codec.new_state(1), 0, spoilt, 1)
    assert not codec.step(spoilt, codes, on(2)).isnan().any()


def test_a_row_starts_clean_while_another_goes_on(codec: CodecDecoder) -> None:
    codes, state = codes_of(2, 8), codec.new_state(2)
    first = codec.step(state, codes[:, :4], on(2))
    copy_row(codec.new_state(1), 0, state, 1)
    again = torch.stack([codes[0, 4:], codes[1, :4]])
    second = codec.step(state, again, on(2))
    assert torch.equal(second[1], first[1])
    assert torch.equal(torch.cat([first[0], second[0]]), streamed(codec, codes)[0])


def test_a_fork_says_the_same_bits(codec: CodecDecoder) -> None:
    codes, state, kept = codes_of(2, 6), codec.new_state(2), codec.new_state(1)
    codec.step(state, codes[:, :3], on(2))
    copy_row(state, 1, kept, 0)
    want = codec.step(state, codes[:, 3:], on(2))
    copy_row(kept, 0, state, 1)
    assert torch.equal(codec.step(state, codes[:, 3:], torch.tensor([False, True]))[1], want[1])


def test_a_flush_says_the_last_samples_and_leaves_the_row_fresh(codec: CodecDecoder) -> None:
    codes, state = codes_of(2, 4), codec.new_state(2)
    codec.step(state, codes, on(2))
    said = codec.flush(state, torch.tensor([False, True]))
    assert said.shape == (2, 8)
    assert not said[0].any()
    assert (said[1, :2] - codec.whole(codes)[1, -8:-6]).abs().max() < ROUNDED
    fresh = codec.new_state(1)
    for one, other in zip(tensors(state), tensors(fresh), strict=True):
        assert torch.equal(one[1], other[0])
        assert not torch.equal(one[0], other[0])


def test_windows_need_three_frames_of_the_past_and_no_more(codec: CodecDecoder) -> None:
    codes = codes_of(2, 9)
    want, whole = streamed(codec, codes), codec.whole(codes)
    assert codec.past == 3
    cut = [codec.windowed(codes[:, t - 3 : t + 1]) for t in range(3, 9)]
    assert (torch.cat(cut, 1) - want[:, 3 * FRAME :]).abs().max() < ROUNDED
    assert (torch.cat(cut, 1)[:, 8:] - whole[:, 3 * FRAME : -8]).abs().max() < ROUNDED
    longer = codec.windowed(codes)
    assert (longer - want[:, 3 * FRAME :]).abs().max() < ROUNDED
    nearer = codes[:, 1:5].clone()
    nearer[:, 0] = codes[:, 0]
    assert not torch.equal(codec.windowed(nearer), cut[1])
    with pytest.raises(WrongLength, match="3 frames in a window; it takes 3 of the past and"):
        codec.windowed(codes[:, :3])


def test_mute_is_silence_at_the_input_and_the_row_goes_on(codec: CodecDecoder) -> None:
    codes, silence = codes_of(2, 6), codes_of(1, 1, seed=9)[0, 0]
    quiet = muted(codes, silence, torch.tensor([False, True]))
    assert torch.equal(quiet[0], codes[0])
    assert torch.equal(quiet[1], silence.expand(6, -1))
    state = codec.new_state(2)
    codec.step(state, codes, on(2))
    got = codec.step(state, quiet, on(2))
    both = torch.cat([codes, quiet], 1)
    assert torch.equal(got, streamed(codec, both)[:, 6 * FRAME :])


def test_no_code_at_all_adds_nothing(codec: CodecDecoder) -> None:
    none = torch.full((1, 1, SMALL.codebooks), SMALL.entries)
    assert not codec.books.depth_sum(none).any()
    assert codec.step(codec.new_state(1), none, on(1)).isfinite().all()


def test_the_released_size_steps_without_asking_for_a_value() -> None:
    """On ``meta`` there are no values: what would ask for one, as no captured graph may, fails."""
    with torch.device("meta"):
        codec = CodecDecoder(RELEASED)
        state, mask = codec.new_state(2), on(2)
        codes = torch.zeros(2, 3, RELEASED.codebooks, dtype=torch.int64)
    assert nbytes(state) == 2 * 193_592
    assert codec.past == 3
    assert codec.step(state, codes, mask).shape == (2, 3 * FRAME)
    assert codec.windowed(codes.repeat(1, 2, 1)).shape == (2, 3 * FRAME)
    assert codec.flush(state, mask).shape == (2, 8)
    assert muted(codes, codes[0, 0], mask).is_meta
    assert round(sum(one.numel() for one in codec.parameters()) / 1e6, 2) == 91.85


def test_it_is_float32_whatever_is_loaded() -> None:
    codec = CodecDecoder(SMALL)
    codec.load({name: one.bfloat16() for name, one in decoder_weights().items()})
    assert {one.dtype for one in codec.parameters()} == {torch.float32}
    assert {one.dtype for one in tensors(codec.new_state(1))} == {torch.float32}
    assert streamed(codec, codes_of(1, 1)).dtype == torch.float32


@pytest.mark.parametrize("switches", [PARITY.switches, PRODUCTION.switches])
def test_exact_changes_nothing_but_how_products_are_rounded(switches: Mapping[str, Any]) -> None:
    before = torch.get_float32_matmul_precision()
    with precision(**switches), precision(**exact(switches)):
        assert torch.get_float32_matmul_precision() == "highest"
        assert not torch.backends.cudnn.allow_tf32
        assert torch.are_deterministic_algorithms_enabled() == switches["deterministic"]
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [
        ("prvq.mus_list.4", None, "missing"),
        ("prvq.mus_list.4", torch.zeros(40, 23), r"of shape \[40, 23\], where"),
        ("prvq.mus_list.5", torch.zeros(40, 24), "no such tensor"),
        ("prvq._variance_list.0.variance", torch.zeros(()), "no such tensor"),
        ("decoder.layers.0.weight", None, "missing"),
        ("decoder.layers.12.weight", torch.zeros(18, 8), r"of shape \[18, 8\], where"),
        ("encoder.layers.0.weight", torch.zeros(1), "no such tensor"),
    ],
)
def test_a_wrong_tensor_of_the_decoder_is_named(
    name: str, change: Tensor | None, what: str
) -> None:
    weights = decoder_weights()
    weights.pop(name, None)
    if change is not None:
        weights[name] = change
    with pytest.raises(CheckpointError, match=what) as caught:
        CodecDecoder(SMALL).load(weights)
    assert caught.value.where == f"tts_model.audio_codec.{name}"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_captured_step_says_the_same() -> None:
    codec = CodecDecoder(SMALL)
    codec.load({name: one.cuda() for name, one in decoder_weights().items()})
    plain, state = codec.new_state(2), codec.new_state(2)
    codes, mask = codes_of(2, 8).cuda(), on(2).cuda()
    examples = (codes[:, :1], torch.zeros_like(mask))
    with precision(**exact(PRODUCTION.switches)):
        want = [codec.step(plain, frame, mask) for frame in codes.split(1, dim=1)]
        step = capture(lambda codes, mask: codec.step(state, codes, mask), examples)
    with precision(**PRODUCTION.switches):
        got = [step(frame.contiguous(), mask) for frame in codes.split(1, dim=1)]
    assert torch.equal(torch.cat(got, 1), torch.cat(want, 1))
    cpu = CodecDecoder(SMALL)
    cpu.load(decoder_weights())
    assert (torch.cat(got, 1).cpu() - streamed(cpu, codes.cpu())).abs().max() < 1e-5

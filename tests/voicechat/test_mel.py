"""Log-mel columns: what they are, and that they arrive a frame at a time unchanged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bot.voicechat.config import MelConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.mel import FRAME, LEAD, LogMel, frames_of, packets
from bot.voicechat.rows import tensors

BINS = 6
LENGTHS = [0, 1, 159, 160, 198, 199, 200, 319, 320, 1279, 1280, 1281, 1479, 1480, 1600, 5120, 6719]


def log_mel(pad_to: int = 0) -> LogMel:
    """Of random filters, as a checkpoint would bring them."""
    mel = LogMel(MelConfig(bins=BINS, pad_to=pad_to))
    draw = torch.Generator().manual_seed(1)
    mel.fb.copy_(torch.rand(mel.fb.shape, generator=draw))
    mel.window.copy_(torch.hann_window(400, periodic=False))
    return mel


def noise(samples: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(samples, generator=draw)


def streamed(mel: LogMel, wav: Tensor) -> Tensor:
    """``[bins, columns]`` of all frames, those before the call included."""
    pcm, samples = packets(wav)
    state, on = mel.new_state(1), torch.ones(1, dtype=torch.bool)
    columns = [
        mel.step(state, pcm[k : k + 1], on, samples[k : k + 1])[0] for k in range(len(samples))
    ]
    return torch.cat(columns, -1)[0]


def test_a_column_is_the_log_of_the_filtered_power_around_its_sample() -> None:
    mel, wav = log_mel(), noise(4000)
    got, valid = mel.whole(wav[None], torch.tensor([4000]))
    x = wav.double().numpy()
    y = np.append(x[0], x[1:] - 0.97 * x[:-1])
    padded = np.pad(y, 200)
    window = mel.window.double().numpy()
    power = np.abs(np.fft.rfft(padded[160 * 7 : 160 * 7 + 400] * window, 512)) ** 2
    want = np.log(mel.fb[0].double().numpy() @ power + 2.0**-24)
    assert valid.tolist() == [25]
    assert np.abs(got[0, :, 7].numpy() - want).max() < 1e-4


def test_the_last_column_and_what_pads_are_the_mask_value() -> None:
    mel = log_mel(pad_to=16)
    got, valid = mel.whole(noise(3200)[None], torch.tensor([3200]))
    assert (got.shape[-1], valid.item()) == (32, 20)
    assert not got[..., 20:].any()
    assert got[..., :20].all()


def test_a_recording_in_a_batch_is_as_it_is_alone() -> None:
    mel, wav = log_mel(), noise(6400)
    both, valid = mel.whole(torch.stack([wav, wav]), torch.tensor([6400, 3333]))
    alone, _ = mel.whole(wav[None, :3333], torch.tensor([3333]))
    assert valid.tolist() == [40, 20]
    assert torch.allclose(both[1, :, : alone.shape[-1]], alone[0], atol=1e-6)
    assert not both[1, :, 20:].any()


@pytest.mark.parametrize("samples", LENGTHS)
def test_streamed_columns_are_those_of_the_whole(samples: int) -> None:
    mel, wav = log_mel(), noise(samples)
    got = streamed(mel, wav)
    whole, _ = mel.whole(wav[None], torch.tensor([samples]))
    width = min(got.shape[-1] - 7, whole.shape[-1])
    assert not got[:, :7].any()
    assert torch.allclose(got[:, 7 : 7 + width], whole[0, :, :width], atol=1e-4)
    assert not got[:, 7 + width :].any()
    assert not whole[0, :, width:].any()


@pytest.mark.parametrize("k", [0, 1, 4])
def test_a_frame_needs_no_sample_past_its_packet(k: int) -> None:
    mel, wav = log_mel(), noise(8000)
    other = wav.clone()
    other[1280 * k + LEAD :] = noise(8000, seed=5)[1280 * k + LEAD :]
    one, two = streamed(mel, wav), streamed(mel, other)
    frame = slice(8 * k, 8 * k + 8)
    assert torch.equal(one[:, frame], two[:, frame])
    assert not torch.equal(one[:, 8 * k + 8], two[:, 8 * k + 8])


def test_rows_of_different_age_do_not_meet() -> None:
    mel = log_mel()
    pcm, _ = packets(noise(12_800))
    state = mel.new_state(3)
    got: list[list[Tensor]] = [[], [], []]
    for tick in range(7):
        mask = torch.tensor([tick >= start for start in (0, 2, 3)])
        at = [max(0, tick - start) for start in (0, 2, 3)]
        columns, _ = mel.step(state, pcm[at], mask)
        for row in range(3):
            if mask[row]:
                got[row].append(columns[row])
    for row in range(3):
        own = torch.cat(got[row], -1)
        assert torch.allclose(own, torch.cat(got[0], -1)[:, : own.shape[-1]], atol=1e-5)


def test_a_masked_row_keeps_every_bit() -> None:
    mel = log_mel()
    pcm, _ = packets(noise(6400))
    state = mel.new_state(2)
    mel.step(state, pcm[[0, 0]], torch.tensor([True, True]))
    before = [tensor.clone() for tensor in tensors(state)]
    mel.step(state, pcm[[1, 1]], torch.tensor([True, False]))
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[1], new[1])
        assert not torch.equal(old[0], new[0])


def test_packets_begin_early_and_end_with_the_input() -> None:
    wav = torch.arange(1.0, 3001.0)
    pcm, samples = packets(wav)
    assert (pcm.shape, samples.tolist()) == ((4, FRAME), [1280, 1280, 1280, 241])
    assert not pcm[0, : FRAME - LEAD].any()
    assert pcm[:, -1].tolist()[:3] == [199.0, 199.0 + 1280, 199.0 + 2560]
    assert pcm[3, :242].tolist()[-2:] == [3000.0, 0.0]


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 1), (319, 1), (320, 2), (1280, 2), (64_000, 51), (249_734, 196)]
)
def test_frames_of_an_input(samples: int, frames: int) -> None:
    assert frames_of(samples) == frames


def test_other_steps_than_ten_milliseconds_are_refused() -> None:
    with pytest.raises(CheckpointError, match="128 and 400 samples, only 160 and 400"):
        LogMel(MelConfig(hop=128))

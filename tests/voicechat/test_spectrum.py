"""Short-time spectra in real arithmetic, against torch's complex ones."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bot.voicechat.errors import CheckpointError
from bot.voicechat.spectrum import LOUDEST, Spectrum

SIZES = [(16, 4), (8, 2), (32, 8)]
CLOSE = 2e-6


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def polar(columns: Tensor) -> Tensor:
    """Real and imaginary parts as what ``sounds`` takes: logits of magnitudes, and phases."""
    real, imaginary = columns.chunk(2, -1)
    magnitude = torch.hypot(real, imaginary).clamp(1e-9, LOUDEST - 1e-3).double()
    logits = math.log(LOUDEST) + torch.log(magnitude / (LOUDEST - magnitude))
    return torch.cat([logits.float(), torch.atan2(imaginary, real)], -1)


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
def test_columns_are_those_of_torch(n_fft: int, hop: int) -> None:
    wav, spectrum = noise(2, 40 * hop), Spectrum(n_fft, hop)
    edge = (n_fft - hop) // 2
    want = torch.stft(
        torch.nn.functional.pad(wav, (edge, edge)),
        n_fft,
        hop,
        window=torch.hann_window(n_fft),
        center=False,
        return_complex=True,
    )
    got = spectrum.analyse(wav)
    assert got.shape == (2, 40, n_fft + 2)
    assert (got - torch.cat([want.real, want.imag], 1).transpose(1, 2)).abs().max() < CLOSE


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
def test_a_column_sounds_like_its_inverse_transform(n_fft: int, hop: int) -> None:
    columns, spectrum = noise(2, 5, n_fft + 2), Spectrum(n_fft, hop)
    logits, phase = columns.double().chunk(2, -1)
    magnitude = LOUDEST * torch.exp(-torch.nn.functional.softplus(math.log(LOUDEST) - logits))
    # What is imaginary in the lowest and in the highest bin of a real signal counts for nothing.
    want = torch.fft.irfft(torch.polar(magnitude, phase), n=n_fft)
    window = torch.hann_window(n_fft, dtype=torch.float64)
    got = spectrum.sounds(columns, clamp=False)
    assert (got - want * window).abs().max() < CLOSE
    clamped = want.clamp(-window, window) * window
    assert (spectrum.sounds(columns) - clamped).abs().max() < CLOSE
    assert (clamped - want * window).abs().max() > 0.1


def test_nothing_is_louder_than_full_scale() -> None:
    spectrum = Spectrum(16, 4)
    columns = 40 * noise(1, 200, 18)
    loud = spectrum.whole(spectrum.sounds(columns))
    assert 0.9 < loud.abs().max() <= 1 + 1e-6
    assert spectrum.whole(spectrum.sounds(columns, clamp=False)).abs().max() > 2


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
def test_there_and_back_is_the_same_sound_from_end_to_end(n_fft: int, hop: int) -> None:
    spectrum, wav = Spectrum(n_fft, hop), 0.3 * noise(2, 30 * hop)
    back = spectrum.whole(spectrum.sounds(polar(spectrum.analyse(wav)), clamp=False))
    assert back.shape == wav.shape
    assert (back - wav).abs().max() < 1e-5


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
def test_a_stream_is_the_whole_two_hops_late_but_for_its_edges(n_fft: int, hop: int) -> None:
    spectrum, mask = Spectrum(n_fft, hop), torch.ones(2, dtype=torch.bool)
    sounds = spectrum.sounds(noise(2, 24, n_fft + 2))
    tail = spectrum.new_tail(2)
    parts = [spectrum.step(tail, part, mask) for part in sounds.split([1, 2, 5, 16], dim=1)]
    stream = torch.cat([*parts, spectrum.last(tail)], 1)
    whole = spectrum.whole(sounds)
    assert [part.shape[1] for part in parts] == [hop, 2 * hop, 5 * hop, 16 * hop]
    assert stream.shape[1] == whole.shape[1] + spectrum.late == 26 * hop
    inside = slice(spectrum.edge, -spectrum.edge)
    late = stream[:, spectrum.late :]
    assert (late[:, inside] - whole[:, inside]).abs().max() < CLOSE
    assert (late - whole)[:, : spectrum.edge].abs().max() > 1e-3


def test_the_level_is_that_of_all_windows_over_a_sample() -> None:
    for n_fft, hop in SIZES:
        spectrum = Spectrum(n_fft, hop)
        assert spectrum.level == pytest.approx(float(spectrum.window.square().sum()) / hop)


def test_a_stream_hears_no_further_back_than_it_says() -> None:
    spectrum, mask = Spectrum(16, 4), torch.ones(1, dtype=torch.bool)
    columns = noise(1, 12, 18)
    said = []
    for cut in (0, 8 - spectrum.reach, 9 - spectrum.reach):
        tail = spectrum.new_tail(1)
        sounds = spectrum.sounds(columns)
        sounds[:, :cut] = 0
        spectrum.step(tail, sounds[:, :8], mask)
        said.append(spectrum.step(tail, sounds[:, 8:], mask))
    assert torch.equal(said[0], said[1])
    assert not torch.equal(said[0], said[2])


def test_rows_out_of_the_mask_keep_every_bit() -> None:
    spectrum, mask = Spectrum(16, 4), torch.tensor([True, False])
    tail = spectrum.new_tail(2)
    spectrum.step(tail, spectrum.sounds(noise(2, 8, 18)), torch.tensor([True, True]))
    before, nan = tail.clone(), noise(2, 8, 16)
    nan[1] = torch.nan
    assert not spectrum.step(tail, nan, mask)[0].isnan().any()
    assert torch.equal(tail[1], before[1])
    assert not torch.equal(tail[0], before[0])


@pytest.mark.parametrize(("n_fft", "hop"), [(16, 8), (12, 4), (4, 1)])
def test_other_overlaps_are_refused(n_fft: int, hop: int) -> None:
    with pytest.raises(CheckpointError, match=rf"hop_length: {hop} of n_fft {n_fft}, where"):
        Spectrum(n_fft, hop)

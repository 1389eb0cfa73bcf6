from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import FormatMismatch
from media.frame import Pcm, silence
from media.resample import Resampler

PAIRS = [
    (8_000, 16_000),
    (16_000, 8_000),
    (22_050, 16_000),
    (24_000, 16_000),
    (48_000, 16_000),
    (16_000, 24_000),
]


def sweep(rate: int, seconds: float = 2.0) -> npt.NDArray[np.float64]:
    """A sine that glides from 300 to 3400 Hz, in steps of int16."""
    t = np.arange(int(rate * seconds)) / rate
    wave: npt.NDArray[np.float64] = np.sin(2 * np.pi * (300 * t + 3_100 / (2 * seconds) * t * t))
    return 16_000 * wave


def streamed(resampler: Resampler, pcm: Pcm, size: int) -> Pcm:
    runs = [resampler.push(pcm[at : at + size]) for at in range(0, len(pcm), size)]
    return np.concatenate([*runs, resampler.flush()])


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_a_telephone_sweep_keeps_its_shape(rate_in: int, rate_out: int) -> None:
    pcm = np.round(sweep(rate_in)).astype(np.int16)
    out = streamed(Resampler(rate_in, rate_out), pcm, rate_in // 50)
    ideal = sweep(rate_out)
    assert abs(len(out) - len(ideal)) <= 1
    inner = slice(rate_out // 20, -rate_out // 20)  # the sweep's hard edges are not of the band
    n = min(len(out), len(ideal))
    error = (out[:n] - ideal[:n])[inner]
    ratio_db = 10 * np.log10(np.square(error).mean() / np.square(ideal[inner]).mean())
    assert ratio_db <= -60


@settings(max_examples=20)
@given(
    pair=st.sampled_from(PAIRS),
    sizes=st.lists(st.integers(1, 3_000), min_size=1, max_size=20),
    seed=st.integers(0, 99),
)
def test_each_push_gives_what_pyav_gives(
    pair: tuple[int, int], sizes: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    resampler = Resampler(*pair)
    other = av.AudioResampler(format="s16", layout="mono", rate=pair[1])
    for size in sizes:
        pcm = rng.integers(-32_768, 32_767, size).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = pair[0]
        runs = [np.empty(0, np.int16), *(f.to_ndarray()[0] for f in other.resample(frame))]
        assert np.array_equal(resampler.push(pcm), np.concatenate(runs))


@settings(max_examples=20)
@given(
    pair=st.sampled_from(PAIRS),
    sizes=st.lists(st.integers(1, 2_000), min_size=1, max_size=30),
    seed=st.integers(0, 99),
)
def test_bit_exact_however_chunked(pair: tuple[int, int], sizes: list[int], seed: int) -> None:
    pcm = np.random.default_rng(seed).integers(-9_000, 9_000, sum(sizes)).astype(np.int16)
    resampler = Resampler(*pair)
    cuts = np.cumsum([0, *sizes])
    runs = [resampler.push(pcm[a:z]) for a, z in pairwise(cuts)]
    chunked = np.concatenate([*runs, resampler.flush()])
    np.testing.assert_array_equal(chunked, streamed(Resampler(*pair), pcm, len(pcm)))


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_no_drift(rate_in: int, rate_out: int) -> None:
    seconds, resampler = 60, Resampler(rate_in, rate_out)
    packet = silence(rate_in // 10)
    count, held = 0, set()
    for _ in range(seconds * 10):
        count += len(resampler.push(packet))
        held.add(resampler.held)
    assert len(held) == 1  # what is held back neither grows nor swings
    assert held.pop() <= rate_out * 2 // 1_000
    assert count + len(resampler.flush()) == seconds * rate_out


def test_equal_rates_pass_through_and_a_flush_begins_anew() -> None:
    pcm = np.arange(100, dtype=np.int16)
    same = Resampler(16_000, 16_000)
    np.testing.assert_array_equal(same.push(pcm), pcm)
    assert len(same.flush()) == 0
    again = Resampler(8_000, 16_000)
    assert len(again.flush()) == 0
    first = np.concatenate((again.push(pcm), again.flush()))
    second = np.concatenate((again.push(pcm), again.flush()))
    np.testing.assert_array_equal(first, second)
    assert again.held == 0


def test_impossible_rates_are_refused() -> None:
    with pytest.raises(FormatMismatch, match="0 to 16000"):
        Resampler(0, 16_000)

"""Frames, whole inputs as frames, padding, and packets as sound comes in."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.voicechat.mel import FRAME, LEAD, frames_of, packets
from bot.voicechat.options import OptionError
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.seating import FrameIn
from bot.voicechat.streams import (
    Floats,
    Frame,
    MonoStream,
    Packets,
    Padding,
    chunk_samples,
    padded,
)


def noise(size: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal(size, dtype=np.float32)


def test_options_come_with_the_first_frame_only() -> None:
    options = S2SRequestOptions()
    assert Frame(noise(3), 1, is_first=True, options=options).options is options
    with pytest.raises(OptionError, match=r"options: .* is not for any but a stream's first frame"):
        Frame(noise(3), 1, is_last=True, options=options)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(4), np.zeros((1, 4), np.float32), np.array([0, np.nan], np.float32)],
    ids=["float64", "two axes", "nan"],
)
def test_other_sound_is_refused(samples: Floats) -> None:
    with pytest.raises(OptionError, match="samples"):
        Frame(samples, 1)


@given(size=st.integers(0, 6000), chunk=st.sampled_from([FRAME, 2 * FRAME, 1000]))
@settings(max_examples=50, deadline=None)
def test_a_whole_input_is_frames_that_put_together_are_it(size: int, chunk: int) -> None:
    options = S2SRequestOptions(seed=1)
    frames = list(MonoStream(noise(size), 5, chunk, options))
    assert np.array_equal(np.concatenate([one.samples for one in frames]), noise(size))
    assert all(one.length == chunk for one in frames[:-1])
    assert [one.is_first for one in frames] == [True] + [False] * (len(frames) - 1)
    assert [one.is_last for one in frames] == [False] * (len(frames) - 1) + [True]
    assert [one.options for one in frames] == [options] + [None] * (len(frames) - 1)
    assert {one.stream_id for one in frames} == {5}


def test_an_input_without_sound_is_one_frame() -> None:
    (frame,) = MonoStream(noise(0), 5)
    assert (frame.is_first, frame.is_last, frame.length) == (True, True, 0)


@pytest.mark.parametrize("frames", range(1, 11))
def test_seconds_are_so_many_samples(frames: int) -> None:
    assert chunk_samples(frames * 0.08) == frames * FRAME
    assert chunk_samples(round(frames * 0.08, 2)) == frames * FRAME


@pytest.mark.parametrize("seconds", [0.0, -0.08, 0.1, 0.0801, float("nan"), float("inf")])
def test_a_chunk_is_a_multiple_of_80_ms(seconds: float) -> None:
    with pytest.raises(OptionError, match="chunk_size_in_secs"):
        chunk_samples(seconds)


def test_silence_is_put_behind() -> None:
    sound = noise(1000)
    assert padded(sound, Padding()).tolist() == sound.tolist()
    for padding, size in [
        (Padding(pad_audio_to_sec=0.5), 8000),
        (Padding(pad_audio_to_sec=0.01), 1000),
        (Padding(pad_silence_ratio=0.25), 1250),
        (Padding(pad_audio_by_sec=1.5), 25_000),
    ]:
        longer = padded(sound, padding)
        assert len(longer) == size
        assert longer.dtype == np.float32
        assert longer[:1000].tolist() == sound.tolist()
        assert not longer[1000:].any()


def test_at_most_one_padding() -> None:
    with pytest.raises(OptionError, match=r"pad_audio_by_sec: 1\.0 is not .* pad_audio_to_sec"):
        Padding(pad_audio_to_sec=1.0, pad_audio_by_sec=1.0)
    with pytest.raises(OptionError, match="pad_silence_ratio"):
        Padding(pad_silence_ratio=-0.1)
    with pytest.raises(OptionError, match="pad_audio_to_sec"):
        Padding(pad_audio_to_sec=float("nan"))


def cut(sound: Floats, sizes: list[int]) -> list[FrameIn]:
    stream, found, start = Packets(), [], 0
    for size in [*sizes, len(sound)]:
        part = sound[start : start + size]
        coming = stream.coming(len(part), last=False)
        got = stream.push(part)
        assert len(got) == coming
        found += got
        start += size
    coming = stream.coming(0, last=True)
    rest = stream.flush()
    assert len(rest) == coming
    return found + rest


@given(st.integers(0, 7000), st.lists(st.integers(0, 3000), max_size=6))
@settings(max_examples=100, deadline=None)
def test_packets_are_those_of_the_whole_however_it_is_cut(size: int, sizes: list[int]) -> None:
    sound = noise(size)
    got, (pcm, samples) = cut(sound, sizes), packets(torch.from_numpy(sound))
    assert len(got) == frames_of(size)
    assert np.array_equal(np.stack([one.pcm for one in got]), pcm.numpy())
    assert [one.samples for one in got] == samples.tolist()


def test_a_packet_comes_as_soon_as_its_last_sample() -> None:
    stream, came = Packets(), []
    for sample in range(3 * FRAME):
        came += [sample] * len(stream.push(noise(1)))
    assert came == [LEAD - 1, FRAME + LEAD - 1, 2 * FRAME + LEAD - 1]
    assert all(later - sooner == FRAME for sooner, later in pairwise(came))
    assert len(stream.flush()) == 1


def test_the_last_push_and_the_flush_are_told_together() -> None:
    for size in (0, 1, 199, 640, 1280):
        fresh = Packets()
        fresh.push(noise(FRAME))
        assert fresh.coming(size, last=True) == len(fresh.push(noise(size)) + fresh.flush())

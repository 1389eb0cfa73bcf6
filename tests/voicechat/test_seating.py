"""Rows with numpy in and out, on the tiny checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bot.voicechat.build import load
from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions, VoiceChat
from bot.voicechat.seating import FrameIn, FrameOut, Seats
from tests.voicechat.calls import stepped

LENGTH = 60
OPTIONS = CallOptions(prompt=(1, 40, 41, 2), greedy=False, temperature=1.5, seed=4)


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    return load(original)


def noise(frame: int) -> FrameIn:
    rng = np.random.default_rng(frame)
    return FrameIn(pcm=(0.2 * rng.standard_normal(FRAME)).astype(np.float32))


def same(one: FrameOut, other: FrameOut) -> bool:
    assert one.pcm is not None
    assert other.pcm is not None
    tokens = (one.text, one.function, one.asr, one.pieces, one.forced)
    others = (other.text, other.function, other.asr, other.pieces, other.forced)
    return tokens == others and bool(np.allclose(one.pcm, other.pcm, atol=1e-5))


def test_it_says_what_the_model_says(model: VoiceChat) -> None:
    seats, state = Seats(model, rows=3, length=LENGTH), model.new_state(3, LENGTH)
    prepared = model.prepared(OPTIONS, LENGTH)
    seats.begin(1, prepared)
    model.begin(state, 1, prepared)
    assert seats.used(1) == 4
    for frame in range(20):
        told = seats.step({1: noise(frame)})
        pcm = torch.zeros(3, FRAME)
        pcm[1] = torch.from_numpy(noise(frame).pcm)
        done, sound = stepped(model, state, pcm, torch.tensor([False, True, False]))
        assert sound is not None
        assert done.words is not None
        assert list(told) == [1]
        assert (told[1].text, told[1].function) == (
            int(done.frame.text[1]),
            int(done.frame.function[1]),
        )
        assert len(told[1].pieces) == int(done.words.count[1])
        assert told[1].pcm is not None
        np.testing.assert_allclose(told[1].pcm, sound[1].numpy(), atol=1e-5)
    assert seats.used(1) == 24
    assert seats.used(0) == 0


def test_bounds_of_what_is_read_change_nothing(model: VoiceChat) -> None:
    plain = Seats(model, rows=2, length=LENGTH)
    bounded = Seats(model, rows=2, length=LENGTH, spans=(8, 16, 400))
    prepared = model.prepared(OPTIONS, LENGTH)
    for seats in (plain, bounded):
        seats.begin(0, prepared)
        seats.begin(1, prepared)
    for frame in range(30):
        given = {0: noise(frame)} if frame < 10 else {0: noise(frame), 1: noise(-1 - frame + 200)}
        one, other = plain.step(given), bounded.step(given)
        assert all(same(one[row], other[row]) for row in given)


def test_what_is_dictated_and_muted_is_its_rows_alone(model: VoiceChat) -> None:
    seats, other = (Seats(model, rows=2, length=LENGTH) for _ in range(2))
    prepared = model.prepared(OPTIONS, LENGTH)
    for one in (seats, other):
        one.begin(0, prepared)
        one.begin(1, prepared)
    for frame in range(8):
        own = noise(frame)
        bound = FrameIn(pcm=own.pcm, text=50, function=20, mute=True)
        told, free = seats.step({0: bound, 1: own}), other.step({0: own, 1: own})
        assert (told[0].text, told[0].function) == (50, 20)
        assert same(told[1], free[1])


def test_a_full_row_is_refused_and_begins_again(model: VoiceChat) -> None:
    seats, prepared = Seats(model, rows=1, length=6), model.prepared(OPTIONS, 6)
    seats.begin(0, prepared)
    first = [seats.step({0: noise(frame)})[0] for frame in range(2)]
    with pytest.raises(ValueError, match="row 0 is full: 6 frames"):
        seats.step({0: noise(2)})
    seats.begin(0, prepared)
    assert all(same(seats.step({0: noise(frame)})[0], first[frame]) for frame in range(2))


def test_nobody_due_is_no_step(model: VoiceChat) -> None:
    assert Seats(model, rows=2, length=LENGTH).step({}) == {}

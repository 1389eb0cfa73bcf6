"""The talker by the rules of rows: whoever else is in a step, the codes are the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bot.voicechat.errors import CheckpointError
from bot.voicechat.rows import copy_row, tensors
from bot.voicechat.speechlayout import SILENCE
from bot.voicechat.subwords import SubwordTable
from bot.voicechat.talker import Talker, TalkerState
from tests.voicechat.talking import (
    RELEASED,
    begun,
    draws,
    speech_of,
    talker_of,
    voice_of,
    weights_of,
    words_of,
)

EOS, PAD = 2, 12
FRAMES, LENGTH = 12, 40


def everyone(rows: int) -> Tensor:
    return torch.ones(rows, dtype=torch.bool)


def texts(case: Any, *, rows: int) -> Tensor:
    """int64 [frames, rows]: of each row another part of what was recorded, and an EOS."""
    tokens = case.golden("eartts")["subword_ids"][0]
    said = torch.stack([tokens.roll(-5 * row)[:FRAMES] for row in range(rows)], 1)
    for row in range(rows):
        said[3 + row % 5, row] = EOS
    return said


def noise(talker: Talker, *, rows: int) -> tuple[Tensor, Tensor]:
    """[frames, rows, ...] each."""
    drawn = [draws(talker, frames=FRAMES, seed=row) for row in range(rows)]
    return torch.stack([one for one, _ in drawn], 1), torch.stack([one for _, one in drawn], 1)


def alone(case: Any, talker: Talker, said: Tensor, drawn: tuple[Tensor, Tensor]) -> Tensor:
    """Codes [frames, rows, codebooks], each row by itself."""
    rows = []
    for row in range(said.shape[1]):
        state, codes = begun(case, talker, rows=1, length=LENGTH), []
        for frame in range(FRAMES):
            uniform, normal = (one[frame, row : row + 1] for one in drawn)
            token = said[frame, row : row + 1]
            codes.append(talker.step(state, token, everyone(1), uniform=uniform, normal=normal))
        rows.append(torch.cat(codes))
    return torch.stack(rows, 1)


def copies(state: TalkerState) -> list[Tensor]:
    return [one.clone() for one in tensors(state)]


@pytest.mark.parametrize("guidance", [0.0, 0.5])
def test_eight_rows_of_every_age_say_what_each_says_alone(case: Any, guidance: float) -> None:
    talker, rows = talker_of(case, guidance=guidance), 8
    said, drawn = texts(case, rows=rows), noise(talker, rows=rows)
    want = alone(case, talker, said, drawn)
    state = begun(case, talker, rows=rows, length=LENGTH)
    starts = [0, 1, 1, 4, 6, 2, 0, 9]
    for now in range(FRAMES + max(starts)):
        ages = torch.tensor([now - start for start in starts])
        mask, at = (ages >= 0) & (ages < FRAMES), ages.clamp(0, FRAMES - 1)
        every = torch.arange(rows)
        uniform, normal = (one[at, every] for one in drawn)
        got = talker.step(state, said[at, every], mask, uniform=uniform, normal=normal)
        assert torch.equal(got[mask], want[at, every][mask])
    assert (state.backbone.position == talker.config.prompt_frames + FRAMES).all()


def test_rows_out_of_the_mask_keep_every_bit(case: Any) -> None:
    talker, rows = talker_of(case), 4
    said, (uniform, normal) = texts(case, rows=rows), noise(talker, rows=rows)
    state = begun(case, talker, rows=rows, length=LENGTH)
    some = torch.tensor([True, False, True, False])
    for frame in range(3):
        talker.step(state, said[frame], everyone(rows))
    before, places = copies(state), [one.data_ptr() for one in tensors(state)]
    for frame in range(3, FRAMES):
        tokens = torch.where(some, said[frame], -7)
        for one in (uniform, normal):
            one[frame, ~some] = torch.nan
        talker.step(state, tokens, some, uniform=uniform[frame], normal=normal[frame])
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[~some], new[~some])
        assert not torch.equal(old[some], new[some])
    assert places == [one.data_ptr() for one in tensors(state)]


def test_a_broken_row_leaves_others_alone_and_nothing_behind(case: Any) -> None:
    talker, rows = talker_of(case), 2
    said, drawn = texts(case, rows=rows), noise(talker, rows=rows)
    want = alone(case, talker, said, drawn)
    state = begun(case, talker, rows=rows, length=LENGTH)
    for layer in state.backbone.values:
        layer[0] = torch.nan
    for frame in range(FRAMES):
        uniform, normal = (one[frame] for one in drawn)
        got = talker.step(state, said[frame], everyone(rows), uniform=uniform, normal=normal)
        assert torch.equal(got[1], want[frame, 1])
        assert ((got >= 0) & (got < talker.fusion.books.entries)).all()
    talker.start(state, 0, talker.prepared(voice_of(case, talker.fusion)))
    for frame in range(FRAMES):
        uniform, normal = (one[frame] for one in drawn)
        got = talker.step(
            state, said[frame], torch.tensor([True, False]), uniform=uniform, normal=normal
        )
        assert torch.equal(got[0], want[frame, 0])


def test_a_row_forks_and_starts_again(case: Any) -> None:
    talker = talker_of(case)
    said, drawn = texts(case, rows=1), noise(talker, rows=1)
    want = alone(case, talker, said, drawn)[:, 0]
    state = begun(case, talker, rows=3, length=LENGTH)

    def step(frame: int, *rows: int) -> Tensor:
        mask = torch.zeros(3, dtype=torch.bool)
        mask[[*rows]] = True
        uniform, normal = (one[frame].expand(3, *one.shape[2:]) for one in drawn)
        return talker.step(state, said[frame].expand(3), mask, uniform=uniform, normal=normal)

    for frame in range(5):
        step(frame, 0)
    copy_row(state, 0, state, 1)
    talker.start(state, 0, talker.prepared(voice_of(case, talker.fusion)))
    for frame in range(5, FRAMES):
        assert torch.equal(step(frame, 1)[1], want[frame])
    for frame in range(FRAMES):
        assert torch.equal(step(frame, 0)[0], want[frame])


def test_a_copied_row_is_a_started_one(case: Any) -> None:
    talker = talker_of(case)
    voice = voice_of(case, talker.fusion)
    started = begun(case, talker, rows=1, length=LENGTH)
    filled = talker.new_state(1, LENGTH)
    assert (filled.codes == talker.config.codec.entries).all()
    talker.prefill(filled, 0, voice)
    for one, other in zip(tensors(started), tensors(filled), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="a prompt of"):
        talker.start(talker.new_state(1, 3), 0, talker.prepared(voice))


@pytest.mark.parametrize("room", [0, 1, 6])
def test_a_span_that_has_room_changes_no_code(case: Any, room: int) -> None:
    talker = talker_of(case)
    said, drawn = texts(case, rows=2), noise(talker, rows=2)
    states = [begun(case, talker, rows=2, length=LENGTH) for _ in range(2)]
    span = talker.config.prompt_frames + FRAMES + room
    for frame in range(FRAMES):
        uniform, normal = (one[frame] for one in drawn)
        whole, short = (
            talker.step(one, said[frame], everyone(2), uniform=uniform, normal=normal, span=some)
            for one, some in zip(states, (None, span), strict=True)
        )
        assert torch.equal(whole, short)


@pytest.mark.parametrize("silence_on_eos", [True, False])
def test_eos_hears_silence_in_its_own_frame_alone(case: Any, silence_on_eos: bool) -> None:
    talker = talker_of(case, silence_on_eos=silence_on_eos)
    state = begun(case, talker, rows=2, length=LENGTH)
    mask = everyone(2)
    for _ in range(4):
        talker.step(state, torch.tensor([40, 40]), mask)
    other = talker.new_state(2, LENGTH)
    for row in range(2):
        copy_row(state, row, other, row)
    other.codes[0] = talker.fusion.silence
    assert not torch.equal(state.codes, other.codes)
    ended, quiet = torch.tensor([EOS, 40]), talker.fusion.silence
    talker.step(state, ended, mask)
    talker.step(other, ended, mask)
    same = [
        torch.equal(one[0], two[0]) for one, two in zip(tensors(state), tensors(other), strict=True)
    ]
    assert all(same) == silence_on_eos
    assert torch.equal(state.codes[1], other.codes[1])
    assert not torch.equal(state.codes[0], quiet), "what is said in that frame is remembered"


def test_a_full_row_says_no_more(case: Any) -> None:
    talker = talker_of(case)
    length = talker.config.prompt_frames + 3
    state, token = begun(case, talker, rows=1, length=length), torch.tensor([PAD])
    for _ in range(3):
        talker.step(state, token, everyone(1))
    before = copies(state)
    talker.step(state, token, everyone(1))
    assert all(torch.equal(a, b) for a, b in zip(before, tensors(state), strict=True))


def test_without_guidance_there_is_one_stream(case: Any) -> None:
    one, two = (talker_of(case, guidance=guidance) for guidance in (0.0, 0.5))
    sizes = [sum(part.nbytes for part in tensors(each.new_state(1, 100))) for each in (one, two)]
    shared = 8 * (1 + case.config.speech.codec.codebooks)
    assert (sizes[0] - shared) * 2 == sizes[1] - shared


def test_bfloat16_keys_and_values_speak(case: Any) -> None:
    talker = talker_of(case)
    state = talker.new_state(1, LENGTH, dtype=torch.bfloat16)
    talker.start(state, 0, talker.prepared(voice_of(case, talker.fusion)))
    assert {one.dtype for one in state.backbone.keys} == {torch.bfloat16}
    codes = talker.step(state, torch.tensor([PAD]), everyone(1))
    assert codes.dtype == torch.int64


@pytest.mark.parametrize(
    "name", ["rvq_embs", "null_emb", "backbone.norm.weight", "mog_head.low_mat"]
)
def test_a_missing_tensor_is_named(case: Any, name: str) -> None:
    weights = weights_of(case)
    del weights[name]
    with pytest.raises(CheckpointError) as caught:
        Talker(speech_of(case)).load(weights, words=words_of(case), silence=case.weights[SILENCE])
    assert (caught.value.where, caught.value.what) == (f"tts_model.tts_model.{name}", "missing")


def test_a_tensor_too_many_is_named(case: Any) -> None:
    weights = {**weights_of(case), "lm_head.weight": torch.zeros(3)}
    with pytest.raises(CheckpointError, match=r"tts_model\.tts_model\.lm_head\.weight: no such"):
        Talker(speech_of(case)).load(weights, words=words_of(case), silence=case.weights[SILENCE])


def test_nothing_in_a_step_of_the_released_size_depends_on_a_value() -> None:
    """A device without values runs it, so a CUDA graph can."""
    rows = 4
    with torch.device("meta"):
        talker = Talker(RELEASED)
        words = SubwordTable(
            rows=torch.empty(131_072, 1152),
            flags=torch.empty(6, 1152),
            kinds=torch.empty(131_072, dtype=torch.int64),
        )
        talker.fusion.fold(words, torch.empty(31, dtype=torch.int64))
        state = talker.new_state(rows, 7500, dtype=torch.bfloat16)
        codes = talker.step(
            state,
            torch.empty(rows, dtype=torch.int64),
            torch.empty(rows, dtype=torch.bool),
            uniform=torch.empty(rows, talker.passes, 1024),
            normal=torch.empty(rows, talker.passes, 512),
            span=2048,
        )
    assert codes.shape == (rows, 31)
    assert talker.passes == 5
    # Of the 418 tensors under tts_model.tts_model. twenty are the words', and one the codebooks.
    assert len(talker.state_dict()) == 418 - 20 - 1

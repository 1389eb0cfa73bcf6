"""The frame loop against what NeMo recorded, alone and beside rows that do something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import NemotronHConfig

from bot.voicechat.config import Boosts, ForcedTurns, ThinkerConfig
from bot.voicechat.duplex import Dictated, DuplexLLM, DuplexState, Frame, TurnRule, native_turns
from bot.voicechat.rows import copy_row, tensors
from bot.voicechat.special import SpecialTokens
from bot.voicechat.thinker import PARTS, Thinker
from bot.voicechat.turnpolicy import TurnPolicy
from bot.voicechat.turntaker import TurnTaker

LIMIT = 2e-4
PAD, BOS, EOS = 12, 1, 2
ON = torch.ones(1, dtype=torch.bool)


def close(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, atol=LIMIT, rtol=0)


def duplex_of(
    case: Any,
    *,
    config: ThinkerConfig | None = None,
    more: dict[str, Tensor] | None = None,
) -> DuplexLLM:
    config = config or case.config.thinker
    with torch.device("meta"):
        thinker = Thinker(config, NemotronHConfig.from_pretrained(case.folder / config.llm))
    weights = case.section("stt_model.") | (more or {})
    thinker.load({name: weights[name] for name in weights if name.startswith(PARTS)})
    return DuplexLLM(thinker)


def turns_of(forced: ForcedTurns, *, prompt: list[int]) -> TurnTaker:
    """As NeMo 3.0.0 forces them, for one row behind its prompt."""
    taker = TurnTaker.new(1, ids=SpecialTokens(pad=PAD, bos=BOS, eos=EOS))
    taker.options.set_row(0, TurnPolicy.of_checkpoint(forced, spare_bos=False))
    taker.state.start_row(0, prompt=len(prompt))
    return taker


def sound(case: Any) -> tuple[list[int], Tensor]:
    """The prompt and perception's rows; NeMo zeroes rows past the sound if there is a prompt."""
    stt, heard = case.golden("stt"), case.golden("perception")
    rows = heard["proj"][0].clone()
    prompt = list(stt["prompt_tokens"][0].tolist()) if "prompt_tokens" in stt else []
    if prompt:
        rows[int(heard["enc_len"]) :] = 0
    return prompt, rows


def played(
    duplex: DuplexLLM, state: DuplexState, rows: Tensor, take_turns: TurnRule = native_turns
) -> list[Frame]:
    return [duplex.step(state, row[None], ON, take_turns=take_turns) for row in rows]


def stacked(frames: list[Frame], name: str) -> Tensor:
    return torch.stack([getattr(frame, name)[0] for frame in frames])


def bits(state: Any) -> list[Tensor]:
    return [tensor.clone().view(torch.uint8) for tensor in tensors(state)]


def test_every_frame_golden(case: Any) -> None:
    prompt, rows = sound(case)
    turns = turns_of(case.config.thinker.forced_turns, prompt=prompt)
    duplex, stt = duplex_of(case), case.golden("stt")
    skip, length = len(prompt), len(prompt) + len(rows)
    state = duplex.new_state(1, length)
    duplex.prefill(state, 0, prompt)
    frames = played(duplex, state, rows, turns)
    close(stacked(frames, "embeds"), stt["input_embeds"][0, skip:])
    close(stacked(frames, "hidden"), stt["llm_hidden"][0, skip:])
    close(torch.stack([one.logits.text[0] for one in frames]), stt["text_logits"][0, skip:])
    assert stacked(frames, "text").tolist() == stt["gen_text_full"][0, skip:].tolist()
    assert state.text.tolist() == stt["gen_text_full"].tolist()
    if case.config.thinker.asr_head:
        asr = [one.logits.asr[0] for one in frames if one.logits.asr is not None]
        close(torch.stack(asr), stt["asr_logits"][0, skip:])
        assert state.asr.tolist() == stt["gen_asr_full"].tolist()
    else:
        assert state.asr.unique().tolist() == [PAD]
    assert state.function.unique().tolist() == [PAD]


def test_function_channel_golden(case: Any) -> None:
    fn = case.golden("stt_fn")
    weight = float(fn["duplex_function_channel_weight"])
    config = replace(case.config.thinker, function_head=True, function_weight=weight)
    head = {"function_head.weight": fn["function_head.weight"]}
    prompt, rows = sound(case)
    turns = turns_of(config.forced_turns, prompt=prompt)
    duplex = duplex_of(case, config=config, more=head)
    state = duplex.new_state(1, len(prompt) + len(rows))
    duplex.prefill(state, 0, prompt)
    frames = played(duplex, state, rows, turns)
    close(stacked(frames, "embeds"), fn["input_embeds"][0, len(prompt) :])
    function = [one.logits.function[0] for one in frames if one.logits.function is not None]
    close(torch.stack(function), fn["function_logits"][0, len(prompt) :])
    assert state.function.tolist() == fn["gen_function_full"].tolist()
    assert state.text.tolist() == fn["gen_text_full"].tolist()


COUNT, TICKS, LENGTH = 8, 40, 60
PROMPTS = [[BOS, *range(30, 30 + 3 * row), EOS] if row % 2 else [] for row in range(COUNT)]
PAUSED, RESTARTED = 3, 7


def on_at(tick: int) -> list[bool]:
    """Row k begins at tick 2k; one pauses for six ticks."""
    return [tick >= 2 * row and not (row == PAUSED and 20 <= tick < 26) for row in range(COUNT)]


def together(duplex: DuplexLLM, sounds: Tensor) -> list[list[tuple[int, Tensor]]]:
    """Text tokens and logits of each row's frames; ``sounds`` [rows, frames, width].

    One row starts afresh midway, without a prompt: its frames before that are left out.
    """
    state, fresh = duplex.new_state(COUNT, LENGTH), duplex.new_state(1, LENGTH)
    got: list[list[tuple[int, Tensor]]] = [[] for _ in range(COUNT)]
    for tick in range(TICKS):
        if tick % 2 == 0 and tick < 2 * COUNT:
            duplex.prefill(state, tick // 2, PROMPTS[tick // 2])
        if tick == 25:
            copy_row(fresh, 0, state, RESTARTED)
            got[RESTARTED] = []
        on = torch.tensor(on_at(tick))
        audio = torch.stack([sounds[row, len(got[row])] for row in range(COUNT)])
        audio[~on] = float("nan")
        frame = duplex.step(state, audio, on)
        assert frame.logits.text.isfinite().all()
        for row in on.nonzero()[:, 0].tolist():
            got[row].append((int(frame.text[row]), frame.logits.text[row]))
    return got


def test_eight_rows_of_different_age_equal_eight_calls_golden(case: Any) -> None:
    """Different prompts, sounds and beginnings: tokens exact, logits within 2e-4."""
    duplex = duplex_of(case)
    _, rows = sound(case)
    sounds = torch.stack([rows.roll(-5 * row, 0) * (1 + row / 10) for row in range(COUNT)])
    for row, got in enumerate(together(duplex, sounds)):
        alone = duplex.new_state(1, LENGTH)
        duplex.prefill(alone, 0, [] if row == RESTARTED else PROMPTS[row])
        frames = played(duplex, alone, sounds[row, : len(got)])
        assert len(got) >= 15
        assert [token for token, _ in got] == stacked(frames, "text").tolist()
        close(
            torch.stack([logits for _, logits in got]),
            torch.stack([one.logits.text[0] for one in frames]),
        )


def test_rows_out_of_the_mask_keep_every_bit_golden(case: Any) -> None:
    duplex = duplex_of(case)
    prompt, rows = sound(case)
    state = duplex.new_state(3, 60)
    duplex.prefill(state, 1, prompt[:5])
    for row in rows[:4]:
        duplex.step(state, row.repeat(3, 1), torch.tensor([True, True, False]))
    before = bits(state)
    mask = torch.tensor([True, False, False])
    for row in rows[4:9]:
        frame = duplex.step(state, row.repeat(3, 1), mask)
        assert frame.text[1:].tolist() == [PAD, PAD]
    for old, new in zip(before, bits(state), strict=True):
        assert torch.equal(old[1:], new[1:])
    assert not all(torch.equal(o, n) for o, n in zip(before, bits(state), strict=True))


def test_fork_and_restore_are_bit_equal_golden(case: Any) -> None:
    duplex = duplex_of(case)
    prompt, rows = sound(case)
    state, snapshot = duplex.new_state(1, 90), duplex.new_state(1, 90)
    duplex.prefill(state, 0, prompt)
    played(duplex, state, rows[:3])
    copy_row(state, 0, snapshot, 0)
    first = stacked(played(duplex, state, rows[3:12]), "hidden")
    end = bits(state)
    copy_row(snapshot, 0, state, 0)
    again = stacked(played(duplex, state, rows[3:12]), "hidden")
    forked = stacked(played(duplex, snapshot, rows[3:12]), "hidden")
    assert torch.equal(first, again)
    assert torch.equal(first, forked)
    assert all(torch.equal(old, new) for old, new in zip(end, bits(state), strict=True))


def test_row_begun_again_is_as_new_golden(case: Any) -> None:
    duplex = duplex_of(case)
    prompt, rows = sound(case)
    state, fresh = duplex.new_state(2, 90), duplex.new_state(1, 90)
    both = torch.ones(2, dtype=torch.bool)
    for row in rows[:6]:
        duplex.step(state, row.repeat(2, 1), both)
    copy_row(fresh, 0, state, 1)
    duplex.prefill(state, 1, prompt)
    other = duplex.new_state(2, 90)
    duplex.prefill(other, 1, prompt)
    for row in rows[6:12]:
        pair = row.repeat(2, 1)
        again, new = duplex.step(state, pair, both), duplex.step(other, pair, both)
        assert torch.equal(again.hidden[1], new.hidden[1])
        assert int(again.text[1]) == int(new.text[1])


def test_full_row_stops_and_the_others_go_on_golden(case: Any) -> None:
    duplex = duplex_of(case)
    _, rows = sound(case)
    state = duplex.new_state(2, 4)
    for row in rows[:2]:
        duplex.step(state, row.repeat(2, 1), torch.tensor([True, False]))
    both = torch.ones(2, dtype=torch.bool)
    for row in rows[2:4]:
        duplex.step(state, row.repeat(2, 1), both)
    full = bits(state)
    frame = duplex.step(state, rows[4].repeat(2, 1), both)
    assert int(frame.text[0]) == PAD
    assert state.thinker.position.tolist() == [4, 3]
    assert all(torch.equal(o[:1], n[:1]) for o, n in zip(full, bits(state), strict=True))


def test_turns_are_forced_by_what_the_asr_head_hears_golden(case: Any) -> None:
    if not case.config.thinker.asr_head:
        pytest.skip("this case has no ASR head")
    forced = ForcedTurns(on=True, threshold=5, pad_window=3)
    config = replace(case.config.thinker, asr_boosts=Boosts(eos=3.0), forced_turns=forced)
    _, rows = sound(case)
    duplex = duplex_of(case, config=config)
    state = duplex.new_state(1, len(rows))
    played(duplex, state, rows, turns_of(forced, prompt=[]))
    text, ended = state.text[0].tolist(), (state.asr[0] == EOS).nonzero()[:, 0].tolist()
    answered = [t for t in ended if t >= 3 and BOS not in text[max(0, t - 5) : t]]
    assert answered
    assert all(text[t] == BOS for t in answered)


def test_forced_turn_is_what_the_next_frame_reads_golden(case: Any) -> None:
    duplex, (_, rows) = duplex_of(case), sound(case)
    thinker, state = duplex.thinker, duplex.new_state(1, 60)

    def bos_at_three(text: Tensor, **_: Any) -> Tensor:
        return torch.where(state.thinker.position == 4, BOS, text)  # it has taken the fourth

    frames = played(duplex, state, rows[:5], bos_at_three)
    assert int(frames[3].text) == int(state.text[0, 3]) == BOS
    want = thinker.build_input_embedding(
        rows[4:5], text=torch.tensor([BOS]), asr=frames[3].asr, function=frames[3].function
    )
    assert torch.equal(frames[4].embeds, want)


def test_tool_call_dictates_its_row_golden(case: Any) -> None:
    config = replace(case.config.thinker, function_head=True)
    head = {"function_head.weight": case.golden("stt_fn")["function_head.weight"]}
    duplex = duplex_of(case, config=config, more=head)
    _, rows = sound(case)
    state = duplex.new_state(2, 60)
    both = torch.ones(2, dtype=torch.bool)
    dictated = Dictated(text=torch.tensor([-1, PAD]), function=torch.tensor([-1, 33]))
    for row in rows[:10]:
        frame = duplex.step(state, row.repeat(2, 1), both, dictated=dictated)
    assert state.function[1, :10].tolist() == [33] * 10
    assert state.text[1].unique().tolist() == [PAD]
    assert state.text[0, :10].unique().numel() > 1
    want = duplex.thinker.build_input_embedding(
        rows[9:10],
        text=torch.tensor([PAD]),
        asr=state.asr[1:2, 8],
        function=torch.tensor([33]),
    )
    assert torch.equal(frame.embeds[1:], want)

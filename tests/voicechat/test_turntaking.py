"""Turn-taking by rows: what is heard, presets, and that a row is as it is alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bot.voicechat.config import ForcedTurns
from bot.voicechat.options import OptionError
from bot.voicechat.rows import copy_row, tensors
from bot.voicechat.turnpolicy import PRESETS, Rule, TurnOptions, TurnPolicy, preset
from bot.voicechat.turntaking import Heard, PieceKinds, TurnState, take_turns
from tests.voicechat.turncall import BOS, EOS, IDS, PAD, WORD, Call

# --- pieces -----------------------------------------------------------------------------------

PIECES = ["<unk>", "▁hel", "lo", ".", "▁", "⁇", "▁⁇"]
BLANK = len(PIECES)


@pytest.mark.parametrize(
    ("symbols", "speech", "mid_word"),
    [
        ([], False, False),
        ([0], False, False),
        ([5, 6], False, False),
        ([1], True, False),
        ([1, 2], True, True),
        ([1, 2, 3], True, False),
        ([2, 0], True, True),  # the last that is known counts
        ([2, 4], True, False),
    ],
)
@pytest.mark.parametrize("filler", [-1, BLANK])
def test_what_is_heard_in_a_frame(
    symbols: list[int], speech: bool, mid_word: bool, filler: int
) -> None:
    row = symbols + [filler] * (10 - len(symbols))
    silence = [filler] * 10
    heard = Heard.of(torch.tensor([silence, row]), PieceKinds.of(PIECES))
    assert heard.speech.tolist() == [False, speech]
    assert heard.mid_word.tolist() == [False, mid_word]


# --- rows and presets -------------------------------------------------------------------------


def frame_of(rows: int, seed: int) -> tuple[Tensor, Tensor, Heard, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.tensor([PAD] * 8 + [BOS, EOS, WORD])
    text, asr = tokens[torch.randint(len(tokens), (2, rows), generator=generator)]
    speech, mid_word, mask = torch.rand(3, rows, generator=generator) < 0.5
    return text, asr, Heard(speech=speech, mid_word=speech & mid_word), mask


RNNT = TurnPolicy(rule=Rule.RNNT, cooldown=2, eou=4, eou_first=2, eou_mid_word=6, forget=3)
ASR = TurnPolicy(rule=Rule.ASR_HEAD, cooldown=1, pad_window=3)


def test_rows_of_different_policies_and_ages_are_as_alone_and_masked_ones_do_not_change() -> None:
    policies = [TurnPolicy(), ASR, replace(ASR, spare_bos=False), RNNT, PRESETS["responsive"]]
    rows = len(policies)
    options, state = TurnOptions.new(rows), TurnState.new(rows)
    alone = [Call(policy, prompt) for prompt, policy in enumerate(policies)]
    for row, policy in enumerate(policies):
        options.set_row(row, policy)
        state.start_row(row, prompt=row)
    forced = 0
    for seed in range(300):
        text, asr, heard, mask = frame_of(rows, seed)
        before = [one.clone() for one in tensors(state)]
        turns = take_turns(
            text, state=state, options=options, ids=IDS, mask=mask, asr=asr, heard=heard
        )
        forced += int((turns.forced[mask] > 0).sum())
        for old, new in zip(before, tensors(state), strict=True):
            assert torch.equal(old[~mask], new[~mask])
        for row in mask.nonzero().flatten().tolist():
            speech, inner = bool(heard.speech[row]), bool(heard.mid_word[row])
            said = alone[row].frame(
                int(text[row]), asr=int(asr[row]), speech=speech, mid_word=inner
            )
            assert said == int(turns.text[row])
    assert forced > 50


def test_a_row_starts_over_while_others_go_on() -> None:
    options, state = TurnOptions.new(2), TurnState.new(2)
    for row in range(2):
        options.set_row(row, RNNT)
    everywhere = torch.ones(2, dtype=torch.bool)
    for seed in range(20):
        text, asr, heard, _ = frame_of(2, seed)
        take_turns(
            text, state=state, options=options, ids=IDS, mask=everywhere, asr=asr, heard=heard
        )
    fresh = TurnState.new(1)
    kept = [one[1].clone() for one in tensors(state)]
    copy_row(fresh, 0, state, 0)
    for new, old, other in zip(tensors(state), tensors(fresh), kept, strict=True):
        assert torch.equal(new[0], old[0])
        assert torch.equal(new[1], other)


def test_native_changes_nothing() -> None:
    call = Call(preset("native"))
    for seed in range(200):
        text, asr, heard, _ = frame_of(1, seed)
        assert call.frame(int(text), asr=int(asr), speech=bool(heard.speech)) == int(text)


@pytest.mark.parametrize("policy", [ASR, replace(RNNT, longest=4)])
def test_without_ears_only_the_longest_turn_is_forced(policy: TurnPolicy) -> None:
    options, state, mask = TurnOptions.new(1), TurnState.new(1), torch.tensor([True])
    options.set_row(0, policy)
    said = [
        int(take_turns(torch.tensor([t]), state=state, options=options, ids=IDS, mask=mask).text)
        for t in [PAD, PAD, PAD, PAD, BOS, WORD, WORD, WORD, WORD]
    ]
    assert said == [PAD] * 4 + [BOS, WORD, WORD, WORD, EOS if policy.longest else WORD]


def test_the_presets_are_the_published_numbers() -> None:
    responsive, published = preset("responsive"), preset("published")
    assert preset("native") == TurnPolicy(rule=Rule.NATIVE)
    assert (responsive.rule, responsive.eou, responsive.bou) == (Rule.RNNT, 10, 3)
    assert (responsive.min_speech, responsive.min_speech_first, responsive.longest) == (3, 2, 0)
    assert (published.cooldown, responsive.cooldown) == (40, 10)
    assert (published.rule, published.eou, published.bou) == (Rule.RNNT, 40, 40)
    assert (published.eou_first, published.min_speech_first) == (10, 2)
    assert (published.pad_window, published.longest) == (38, int(15 / 0.08))
    with pytest.raises(OptionError, match=r"turn_taking: 'fast' is not one of native, "):
        preset("fast")


def test_what_a_checkpoint_asks_for() -> None:
    on = TurnPolicy.of_checkpoint(ForcedTurns(on=True, threshold=7, pad_window=5), spare_bos=False)
    assert (on.rule, on.cooldown, on.pad_window, on.spare_bos) == (Rule.ASR_HEAD, 7, 5, False)
    assert TurnPolicy.of_checkpoint(ForcedTurns()).rule is Rule.NATIVE


@pytest.mark.parametrize("name", ["cooldown", "eou", "bou", "longest"])
def test_frames_out_of_range_are_named(name: str) -> None:
    frames: dict[str, Any] = {name: -1}
    with pytest.raises(OptionError, match=f"^{name}: -1 is not a number of frames$"):
        TurnPolicy(**frames)

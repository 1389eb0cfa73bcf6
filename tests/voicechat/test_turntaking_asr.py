"""Turns forced by the ASR head: a truth table, and a plain reference that keeps histories."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.voicechat.special import SpecialTokens
from bot.voicechat.turnpolicy import NEVER, Rule, TurnPolicy
from bot.voicechat.turntaking import Forced
from tests.voicechat.turncall import BOS, EOS, IDS, PAD, WORD, Call

USER_BOS, USER_EOS = 60, 61
OLDER = SpecialTokens(user_bos=USER_BOS, user_eos=USER_EOS)
"""Of a checkpoint whose ASR head begins and ends the caller's turns with tokens of its own."""


def by_asr_head(
    policy: TurnPolicy, t: int, text: list[int], asr: list[int], *, ids: SpecialTokens = IDS
) -> int:
    """The rule as its documentation words it, on histories that hold the frame ``t``, too."""
    start = t - policy.pad_window
    if start < 0 or t == 0:
        return text[t]
    recent = text[max(0, t - policy.cooldown) : t]
    before = asr[start - 1] if start > 0 else PAD
    window = asr[start:t]
    silent = before != PAD and bool(window) and all(token == PAD for token in window)
    if policy.spare_bos and before in (BOS, ids.user_bos):
        silent = False
    if asr[t] in (EOS, ids.user_eos) or silent:
        return text[t] if BOS in recent else BOS
    if asr[t] in (BOS, ids.user_bos):
        return text[t] if EOS in recent else EOS
    return text[t]


TOKENS = st.sampled_from([PAD] * 8 + [BOS, EOS, WORD, USER_BOS, USER_EOS])
FRAMES = st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=80)


@given(
    FRAMES,
    st.integers(0, 9),
    st.integers(0, 12),
    st.integers(0, 6),
    st.booleans(),
    st.sampled_from([IDS, OLDER]),
)
def test_the_asr_rule_on_counts_is_the_rule_on_histories(
    frames: list[tuple[int, int]],
    prompt: int,
    cooldown: int,
    window: int,
    spare_bos: bool,
    ids: SpecialTokens,
) -> None:
    policy = TurnPolicy(
        rule=Rule.ASR_HEAD, cooldown=cooldown, pad_window=window, spare_bos=spare_bos
    )
    call = Call(policy, prompt, ids)
    text, asr = [PAD] * prompt, [PAD] * prompt
    for said, heard in frames:
        text.append(said)
        asr.append(heard)
        text[-1] = by_asr_head(policy, len(text) - 1, text, asr, ids=ids)
        assert call.frame(said, asr=heard) == text[-1]


ASR = TurnPolicy(rule=Rule.ASR_HEAD, cooldown=4, pad_window=3)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([WORD, WORD, WORD, WORD], WORD, PAD),  # the caller speaks
        ([WORD, WORD, WORD, WORD], EOS, BOS),  # he ends
        ([WORD, WORD, WORD, WORD], BOS, EOS),  # he begins
        ([WORD, PAD, PAD, PAD], PAD, BOS),  # he is silent for as long as the window
        ([WORD, PAD, PAD, PAD], BOS, BOS),  # silence before, the end goes before the beginning
        ([EOS, PAD, PAD, PAD], PAD, BOS),
        ([BOS, PAD, PAD, PAD], PAD, PAD),  # what follows a BOS is no end
        ([PAD, PAD, PAD, PAD], PAD, PAD),  # nothing was said
        ([WORD, PAD, PAD, PAD, PAD], PAD, PAD),  # an end comes once
        ([WORD, WORD], EOS, PAD),  # too early in the call
        ([WORD, WORD, WORD], EOS, BOS),
        ([WORD, WORD, WORD], BOS, EOS),
    ],
)
def test_the_asr_rules_truth_table(before: list[int], now: int, expected: int) -> None:
    assert said_after(before, now) == expected


def said_after(before: list[int], now: int, ids: SpecialTokens = IDS) -> int:
    """What the silent agent says when its ASR head, after ``before``, hears ``now``."""
    call = Call(ASR, ids=ids)
    for token in before:
        # The agent is in its cooldowns before, so that nothing is forced; they end at ``now``.
        call.options.cooldown[0] = NEVER
        call.frame(asr=token)
    call.options.cooldown[0] = 4
    call.state.since_bos[0] = call.state.since_eos[0] = 5
    return call.frame(asr=now)


@pytest.mark.parametrize(
    ("before", "now", "older", "today"),
    [
        ([WORD, WORD, WORD, WORD], USER_EOS, BOS, PAD),  # he ends
        ([WORD, WORD, WORD, WORD], USER_BOS, EOS, PAD),  # he begins
        ([WORD, WORD, WORD, WORD], EOS, BOS, BOS),  # today's tokens mean what they mean
        ([WORD, WORD, WORD, WORD], BOS, EOS, EOS),
        ([WORD, PAD, PAD, PAD], USER_BOS, BOS, BOS),  # the end goes before the beginning
        ([USER_EOS, PAD, PAD, PAD], PAD, BOS, BOS),
        ([USER_BOS, PAD, PAD, PAD], PAD, PAD, BOS),  # what follows a BOS is no end
        ([WORD, WORD], USER_EOS, PAD, PAD),  # too early in the call
        ([WORD, WORD, WORD], USER_EOS, BOS, PAD),
    ],
)
def test_turn_tokens_of_older_checkpoints_are_the_callers_too(
    before: list[int], now: int, older: int, today: int
) -> None:
    assert said_after(before, now, OLDER) == older
    assert said_after(before, now, IDS) == today


def test_a_checkpoint_may_name_one_of_them_only() -> None:
    words = [WORD] * 4
    ends, begins = SpecialTokens(user_eos=USER_EOS), SpecialTokens(user_bos=USER_BOS)
    assert [said_after(words, now, ends) for now in (USER_EOS, USER_BOS)] == [BOS, PAD]
    assert [said_after(words, now, begins) for now in (USER_EOS, USER_BOS)] == [PAD, EOS]


def test_a_window_of_no_pads_is_never_full_as_in_nemo() -> None:
    call = Call(replace(ASR, pad_window=0))
    assert [call.frame(asr=token) for token in (WORD, WORD, PAD, WORD)] == [PAD] * 4
    assert [call.frame(asr=token) for token in (EOS, BOS)] == [BOS, EOS]


def test_without_the_exclusion_pads_behind_a_bos_end_a_turn_as_in_nemo_3() -> None:
    spoken = [WORD, WORD, WORD, BOS, PAD, PAD, PAD, PAD]
    later, release = Call(ASR), Call(replace(ASR, spare_bos=False))
    assert [later.frame(asr=token) for token in spoken][3:] == [EOS, PAD, PAD, PAD, PAD]
    assert [release.frame(asr=token) for token in spoken][3:] == [EOS, PAD, PAD, PAD, BOS]


@pytest.mark.parametrize(("gap", "expected"), [(3, PAD), (4, BOS)])
def test_a_bos_within_the_cooldown_forbids_another(gap: int, expected: int) -> None:
    call = Call(ASR)
    for _ in range(5):
        call.frame(asr=WORD)
    call.frame(BOS, asr=WORD)
    for _ in range(gap):
        call.frame(asr=WORD)
    assert call.frame(asr=EOS) == expected


@pytest.mark.parametrize(("gap", "expected"), [(3, PAD), (4, EOS)])
def test_an_eos_within_the_cooldown_forbids_another_and_no_bos(gap: int, expected: int) -> None:
    begins, ends = Call(ASR), Call(ASR)
    for call in (begins, ends):
        for token in [PAD] * 5 + [EOS] + [PAD] * gap:
            call.frame(token, asr=WORD)
    assert begins.frame(asr=BOS) == expected
    assert ends.frame(asr=EOS) == BOS


def test_positions_of_the_prompt_count_and_are_pads_without_a_token_before() -> None:
    early, late, silent = Call(ASR, prompt=2), Call(ASR, prompt=3), Call(ASR, prompt=3)
    assert [early.frame(asr=EOS), late.frame(asr=EOS)] == [PAD, BOS]
    assert [silent.frame() for _ in range(8)] == [PAD] * 8


@pytest.mark.parametrize("own", [BOS, EOS, WORD])
def test_where_nothing_is_forced_the_models_own_token_stands(own: int) -> None:
    call = Call(ASR)
    assert [call.frame(own, asr=WORD) for _ in range(6)] == [own] * 6
    assert call.forced == [Forced.NOT] * 6


def test_an_end_in_its_cooldown_is_no_beginning() -> None:
    call = Call(ASR)
    for token in (WORD, PAD, PAD):
        call.frame(asr=token)
    call.frame(BOS, asr=PAD)  # the window is full from here on; the agent has just begun
    assert call.frame(WORD, asr=BOS) == WORD

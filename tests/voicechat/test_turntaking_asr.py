"""Turns forced by the ASR head: a truth table, and a plain reference that keeps histories."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.voicechat.turnpolicy import NEVER, Rule, TurnPolicy
from tests.voicechat.turncall import BOS, EOS, PAD, WORD, Call


def by_asr_head(policy: TurnPolicy, t: int, text: list[int], asr: list[int]) -> int:
    """The rule as its documentation words it, on histories that hold the frame ``t``, too."""
    start = t - policy.pad_window
    if start < 0 or t == 0:
        return text[t]
    recent = text[max(0, t - policy.cooldown) : t]
    before = asr[start - 1] if start > 0 else PAD
    silent = start > 0 and before != PAD and all(token == PAD for token in asr[start:t])
    if policy.spare_bos and before == BOS:
        silent = False
    if asr[t] == EOS or silent:
        return text[t] if BOS in recent else BOS
    if asr[t] == BOS:
        return text[t] if EOS in recent else EOS
    return text[t]


TOKENS = st.sampled_from([PAD] * 8 + [BOS, EOS, WORD])
FRAMES = st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=80)


@given(
    FRAMES,
    st.integers(0, 9),
    st.integers(0, 12),
    st.integers(0, 6),
    st.booleans(),
)
def test_the_asr_rule_on_counts_is_the_rule_on_histories(
    frames: list[tuple[int, int]], prompt: int, cooldown: int, window: int, spare_bos: bool
) -> None:
    policy = TurnPolicy(
        rule=Rule.ASR_HEAD, cooldown=cooldown, pad_window=window, spare_bos=spare_bos
    )
    call = Call(policy, prompt)
    text, asr = [PAD] * prompt, [PAD] * prompt
    for said, heard in frames:
        text.append(said)
        asr.append(heard)
        text[-1] = by_asr_head(policy, len(text) - 1, text, asr)
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
    call = Call(ASR)
    for token in before:
        # The agent is in its cooldowns before, so that nothing is forced; they end at ``now``.
        call.options.cooldown[0] = NEVER
        call.frame(asr=token)
    call.options.cooldown[0] = 4
    call.state.since_bos[0] = call.state.since_eos[0] = 5
    assert call.frame(asr=now) == expected


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


def test_an_end_in_its_cooldown_is_no_beginning() -> None:
    call = Call(ASR)
    for token in (WORD, PAD, PAD):
        call.frame(asr=token)
    call.frame(BOS, asr=PAD)  # the window is full from here on; the agent has just begun
    assert call.frame(WORD, asr=BOS) == WORD

"""Turns forced by the RNN-T: truth tables, and a plain reference that keeps whole histories."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.voicechat.turnpolicy import NEVER, Rule, TurnPolicy
from bot.voicechat.turntaking import Forced
from tests.voicechat.turncall import BOS, EOS, PAD, WORD, Call

RNNT = TurnPolicy(
    rule=Rule.RNNT, cooldown=2, eou=4, eou_first=2, bou=3, min_speech=3, min_speech_first=2,
    eou_mid_word=6, forget=3, longest=0,
)  # fmt: skip


@dataclass
class Plain:
    """The same in words: what the caller and the agent did, as strings of frames."""

    policy: TurnPolicy
    caller: str = ""
    since: str = ""
    agent: list[int] = field(default_factory=list)
    confirmed: bool = False

    def frame(self, text: int, spoken: str) -> int:
        p, said = self.policy, text
        self.caller += spoken
        self.since += spoken
        run = len(self.caller) - len(self.caller.rstrip("x-"))
        blanks = len(self.caller) - len(self.caller.rstrip("."))
        first = BOS not in self.agent
        need = p.min_speech_first if first else p.min_speech
        speech = self.since.count("x") + self.since.count("-")
        if spoken != "." and (run >= need or speech >= need):
            self.confirmed = True
        if not self.confirmed and blanks >= p.forget:
            self.since = ""
        turns = [token for token in self.agent if token in (BOS, EOS)]
        talking = bool(turns) and turns[-1] == BOS
        recent = self.agent[-p.cooldown :] if p.cooldown else []
        words = self.caller.rstrip(".")
        patience = p.eou_first if first else p.eou
        if words.endswith("-"):
            patience = max(patience, p.eou_mid_word)
        if not talking and self.confirmed and blanks >= patience and BOS not in recent:
            said = BOS
        too_long = talking and 0 < p.longest <= self.spoken()
        if too_long or (talking and run >= p.bou and EOS not in recent):
            said = EOS
        self.agent.append(said)
        if said in (BOS, EOS):
            self.since, self.confirmed = "", False
        return said

    def spoken(self) -> int:
        """Frames since the first BOS after the last EOS: of the turn that is on."""
        ends = [place for place, token in enumerate(self.agent) if token == EOS]
        return len(self.agent) - self.agent.index(BOS, ends[-1] if ends else 0)


@given(
    st.lists(
        st.tuples(st.sampled_from([PAD] * 12 + [WORD, BOS, EOS]), st.sampled_from("xx-....")),
        min_size=1,
        max_size=80,
    ),
    st.sampled_from([0, 2, 15]),
    st.sampled_from([0, 6]),
    st.sampled_from([0, 6, NEVER]),
)
def test_the_rnnt_rule_on_counts_is_the_rule_on_histories(
    frames: list[tuple[int, str]], cooldown: int, longest: int, mid_word: int
) -> None:
    policy = replace(RNNT, cooldown=cooldown, longest=longest, eou_mid_word=mid_word)
    call, plain = Call(policy), Plain(policy)
    for text, spoken in frames:
        assert call.talk(spoken, text) == [plain.frame(text, spoken)]


def answered(policy: TurnPolicy = RNNT) -> Call:
    """A call in which the agent has spoken, long ago."""
    call = Call(policy)
    for token in (BOS, WORD, EOS, PAD, PAD, PAD, PAD):
        call.frame(token)
    return call


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("xxx...", PAD),  # a turn of the caller's, not yet over
        ("xxx....", BOS),  # over
        ("x.x.x....", BOS),  # blanks within it do not matter
        ("xx....", PAD),  # too little for a turn
        ("xx...x....", PAD),  # noise, forgotten after three blanks
        ("xx..x....", BOS),  # not yet forgotten
        ("xx-....", PAD),  # within a word
        ("xx-......", BOS),  # within a word for too long
        ("xx-x....", BOS),
    ],
)
def test_a_turn_of_the_callers_ends(spoken: str, expected: int) -> None:
    call = answered()
    *before, last = call.talk(spoken)
    assert (set(before), last) == ({PAD}, expected)
    assert call.forced[-1] == (Forced.CALLER_ENDED if expected == BOS else Forced.NOT)


def test_the_first_turn_takes_less() -> None:
    assert Call(RNNT).talk("xx..") == [PAD, PAD, PAD, BOS]
    assert answered().talk("xx......") == [PAD] * 8


def test_an_answer_is_forced_once_and_not_while_the_agent_speaks() -> None:
    call = answered()
    assert call.talk("xxx....")[-1] == BOS
    assert call.talk("........", WORD) == [WORD] * 8
    assert call.frame(EOS) == EOS
    assert call.talk("........") == [PAD] * 8


def test_what_was_said_before_the_agents_turn_is_answered_by_it() -> None:
    call = answered()
    call.talk("xxx.")
    call.frame(BOS)
    call.frame(WORD)
    call.frame(EOS)
    assert call.talk("........") == [PAD] * 8


def test_the_agent_stops_for_speech_without_a_gap() -> None:
    call = answered()
    call.frame(BOS)
    call.talk("..", WORD)
    assert call.talk("xx.xxx", WORD) == [WORD] * 5 + [EOS]
    assert call.forced[-1] == Forced.CALLER_BEGAN
    assert call.talk("xxx", PAD) == [PAD] * 3  # and stops once
    assert call.talk("....")[-1] == BOS  # the interruption is a turn


def test_the_agent_stops_after_its_longest_turn() -> None:
    call = answered(replace(RNNT, longest=5))
    call.frame(BOS)
    assert call.talk(".....", WORD) == [WORD] * 4 + [EOS]
    assert call.forced[-1] == Forced.TOO_LONG


def test_a_muted_row_says_pad_and_nothing_is_forced() -> None:
    call = answered()
    call.talk("xxx...")
    assert call.frame(BOS, dictated=PAD) == PAD
    assert call.forced[-1] == Forced.NOT
    assert call.frame() == BOS  # when the tool call is over


def test_an_end_that_the_model_sees_by_itself_is_not_forced() -> None:
    call = answered()
    call.talk("xxx...")
    assert call.frame(BOS) == BOS
    assert call.forced[-1] == Forced.NOT


@pytest.mark.parametrize(("cooldown", "expected"), [(7, BOS), (8, PAD)])
def test_a_bos_within_the_cooldown_forbids_another(cooldown: int, expected: int) -> None:
    call = answered(replace(RNNT, cooldown=cooldown))
    call.frame(BOS)
    call.frame(EOS)
    assert call.talk("xxx....")[-1] == expected  # the eighth frame after that BOS


@pytest.mark.parametrize(("cooldown", "expected"), [(3, EOS), (4, WORD)])
def test_an_eos_within_the_cooldown_forbids_another(cooldown: int, expected: int) -> None:
    call = answered(replace(RNNT, cooldown=cooldown))
    call.frame(EOS)
    call.frame(BOS)
    assert call.talk("xxx", WORD)[-1] == expected  # the fourth frame after that EOS


def test_a_turn_that_is_too_long_ends_whatever_the_cooldown() -> None:
    call = answered(replace(RNNT, cooldown=NEVER, longest=5))
    call.frame(BOS)
    assert call.talk("xxxxx", WORD) == [WORD] * 4 + [EOS]
    assert call.forced[-1] == Forced.TOO_LONG

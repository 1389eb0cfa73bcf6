"""Decayed calls are noticed, ordinary ones never are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.persona import load
from bot.voicechat.special import SpecialTokens
from bot.voicechat.text import TextStream
from bot.voicechat.tiny import tiny_tokenizer
from bot.voicechat.watchdog import Limits, Verdict, Watchdog

IDS, LIMITS, TOKENIZER = SpecialTokens(), Limits(), tiny_tokenizer()
PERSONA = Path(__file__).parents[2] / "configs" / "persona" / "receptionist.yaml"


@dataclass(frozen=True)
class Frame:
    token: int
    rms: float = 0.1
    caller: bool = False
    host: bool = False


def quiet(frames: int) -> list[Frame]:
    return [Frame(IDS.pad, rms=0.0)] * frames


def caller(frames: int) -> list[Frame]:
    return [Frame(IDS.pad, rms=0.0, caller=True)] * frames


def said(text: str, *, rms: float = 0.1) -> list[Frame]:
    """A turn of the agent's."""
    tokens = TOKENIZER.encode(text, add_special_tokens=False).ids
    return [Frame(IDS.bos, rms), *(Frame(token, rms) for token in tokens), Frame(IDS.eos, rms)]


def tokens(text: str) -> list[int]:
    return [frame.token for frame in said(text)[1:-1]]


def judged(frames: list[Frame], limits: Limits = LIMITS) -> Iterator[tuple[int, Verdict]]:
    watchdog, stream = Watchdog(IDS, limits), TextStream(TOKENIZER, IDS)
    for at, frame in enumerate(frames):
        delta = stream.push(frame.token)
        found = watchdog.push(
            frame.token, delta, rms=frame.rms, caller=frame.caller, host=frame.host
        )
        if found is not None:
            yield at, found


def first(frames: list[Frame]) -> tuple[int, Verdict] | None:
    return next(judged(frames), None)


def verdicts(frames: list[Frame]) -> list[Verdict]:
    return [verdict for _, verdict in judged(frames)]


PROSE = (
    "Our practice is on Willow Street, right across from the library, and there is a car park "
    "behind the building that patients may use for free while they are with us."
)


def test_a_call_in_which_nobody_speaks_is_fine() -> None:
    assert verdicts(quiet(5000)) == []


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("?!.,;:-()/&%$" * 4, Verdict.GIBBERISH),
        ("жщы日本" * 10, Verdict.GIBBERISH),
        ("abcdefghijklmnopqrstuvwxyz0123456789" * 2, Verdict.GIBBERISH),  # a word without an end
        ("no " * 40, Verdict.LOOP),
        ("I can help you. " * 12, Verdict.LOOP),
        (PROSE, None),
        ("555-0142, and then 1, 2, 3, 4, 5, 6, 7. Also: B, R, O, W, N.", None),
        ("no no no, " + PROSE, None),
        ("A café, a naïve — “resumé”… " + PROSE, None),
    ],
)
def test_what_is_said(text: str, verdict: Verdict | None) -> None:
    found = first(said(text))
    assert (found and found[1]) == verdict


def test_bytes_that_are_no_letters_are_no_words() -> None:
    half = tokens("☎")[0]
    assert verdicts([Frame(IDS.bos), *[Frame(half)] * LIMITS.window]) == [Verdict.GIBBERISH]


@pytest.mark.parametrize("period", [1, 2, 5, 11, 18, 30])
def test_a_loop_of_any_length_is_found_within_the_window(period: int) -> None:
    words = [Frame(40 + n % 200) for n in range(period)] * 200
    stream = [Frame(IDS.bos), *words[: LIMITS.loop_window]]
    watchdog = Watchdog(IDS)
    found = [watchdog.push(one.token, "a ", rms=0.1, caller=False) for one in stream]
    assert Verdict.LOOP in found
    assert found.index(Verdict.LOOP) >= LIMITS.loop_least


def test_the_same_answer_to_the_same_question_is_no_loop() -> None:
    asked = [*caller(10), *quiet(12), *said("We open at eight and close at six.")]
    assert verdicts(asked * 20) == []
    assert Verdict.LOOP in verdicts([*caller(10), *said("We open at eight and close at six." * 6)])


def test_turns_of_its_own_are_counted_until_the_caller_has_one() -> None:
    turn = [*said("Hello."), *quiet(40)]
    assert verdicts(turn * 4) == []
    assert verdicts(turn * 5) == [Verdict.SELF_TALK]
    answered = [*turn * 4, *caller(3), *turn]
    assert verdicts(answered * 3) == []
    noise = [*turn * 3, *caller(2), *quiet(20), *caller(2), *turn * 2]
    assert verdicts(noise) == [Verdict.SELF_TALK]


def test_a_caller_who_gets_no_answer() -> None:
    wait = LIMITS.caller_pause + LIMITS.unanswered
    asked = [*said("Hello."), *quiet(20), *caller(8)]
    assert verdicts([*asked, *quiet(wait - 1)]) == []
    assert first([*asked, *quiet(wait)]) == (len(asked) + wait - 1, Verdict.UNANSWERED)
    assert verdicts([*asked, *quiet(wait - 2), *said("Yes."), *quiet(300)]) == []
    assert verdicts([*asked, *quiet(100), *caller(5), *quiet(100)]) == []
    noise = [*said("Hello."), *caller(2), *quiet(500)]
    assert verdicts(noise) == []


def test_an_agent_that_talks_on_has_not_left_the_caller_alone() -> None:
    talking = [Frame(IDS.pad)] * 30
    over = [Frame(IDS.pad, caller=True)] * 10
    assert verdicts([*said("Hello."), *over, *talking, *quiet(500)]) == []
    interrupted = [*said("Hello."), *over, Frame(IDS.eos, rms=0.0), *quiet(500)]
    assert verdicts(interrupted) == [Verdict.UNANSWERED]


def test_text_that_is_not_heard() -> None:
    turn = [*said("Hello, how can I", rms=0.0)[:-1], *quiet(LIMITS.voiceless)]
    (found,) = judged(turn)
    assert found == (LIMITS.voiceless, Verdict.VOICELESS)
    late = [*said("Hello, how can I", rms=0.0)[:20], Frame(IDS.pad), *quiet(300)]
    assert verdicts(late) == []
    assert verdicts([*said("a", rms=0.0)[:-1], *quiet(300)]) == []
    interrupted = said("Hello, how", rms=0.0)
    assert verdicts([*interrupted, *quiet(300)]) == []


def test_what_the_host_did_is_not_the_models_fault() -> None:
    wait = [Frame(IDS.pad, rms=0.0, host=True)] * 500
    assert verdicts([*caller(8), *quiet(12), *wait, *said("Done.")]) == []
    dictated = [
        Frame(frame.token, rms=0.0, host=True) for frame in [*said("Still there? " * 9), *quiet(9)]
    ]
    assert verdicts([*dictated * 9, *quiet(300)]) == []
    assert verdicts([*caller(8), *dictated, *quiet(500)]) == []


def test_it_says_a_thing_once_and_begins_anew() -> None:
    loop = said("no " * 200)
    found = list(judged(loop))
    assert {verdict for _, verdict in found} == {Verdict.LOOP}
    places = [at for at, _ in found]
    assert all(b - a >= LIMITS.loop_least for a, b in pairwise(places))


def sentences() -> list[str]:
    persona = load(PERSONA)
    texts = [text for answer in persona.answers for text in answer.say]
    texts += [text for flow in persona.flows for slot in flow.slots for text in slot.prompt]
    return sorted({*texts, *persona.goodbye.say, *persona.clarify.unsure, PROSE})


@st.composite
def exchanges(draw: st.DrawFn) -> list[Frame]:
    """The caller speaks, the agent answers at its leisure; some of them say a second word."""
    frames = [*caller(draw(st.integers(3, 80))), *quiet(draw(st.integers(0, 60)))]
    for _ in range(draw(st.integers(1, 2))):
        texts = draw(st.lists(st.sampled_from(sentences()), min_size=1, max_size=4, unique=True))
        onset = draw(st.integers(0, 10))
        turn = [frame for one in said(" ".join(texts)) for frame in (one, *quiet(one.token % 3))]
        late = [Frame(frame.token, rms=0.0) for frame in turn[:onset]]
        frames += [*late, *(Frame(frame.token) for frame in turn[onset:])]
        frames += quiet(draw(st.integers(0, 90)))
    return frames


@settings(max_examples=25, deadline=None)
@given(st.lists(exchanges(), min_size=1, max_size=4))
def test_ordinary_calls_never_trip_it(calls: list[list[Frame]]) -> None:
    assert verdicts([*said("Hello, this is Alice."), *(f for call in calls for f in call)]) == []

"""Sentences put into the agent's mouth: which token each frame is given, and for how long."""

from __future__ import annotations

from bot.engines.voicechat.dictation import GUARD, OWN, QUIET, Dictation, Saying
from bot.engines.voicechat.spoken import frames_of
from bot.facts import Act, Action

PAD, BOS, EOS = 12, 1, 2
HANGUP = Action(Act.HANGUP, {"reason": "goodbye"})


def dictation(*sayings: Saying) -> Dictation:
    made = Dictation(pad=PAD, bos=BOS, eos=EOS)
    for saying in sayings:
        made.say(saying)
    return made


def run(
    one: Dictation, frames: int, *, own: int = PAD, loud: int = 1 << 30, talking: bool = False
) -> tuple[list[int], list[Saying]]:
    """What was dictated, and what was ended. The model says ``own``; ``loud`` frames are."""
    tokens, ended = [], []
    for frame in range(frames):
        token = one.token(talking=talking)
        tokens.append(token)
        said = own if token == OWN else token
        talking = said == BOS or (talking and said != EOS)
        if (done := one.took(said, loud=frame < loud)) is not None:
            ended.append(done)
    return tokens, ended


def test_nothing_to_say_leaves_the_model_alone() -> None:
    one = dictation()
    assert run(one, 3) == ([OWN] * 3, [])
    assert not one.active


def test_a_sentence_is_begun_said_and_then_the_models() -> None:
    one = dictation(Saying("Hello there", (50, 51, 52, 53)))
    tokens, ended = run(one, 8)
    assert tokens == [BOS, 50, 51, 52, 53, OWN, OWN, OWN]
    assert (ended, one.active) == ([], True)
    assert run(one, 2, own=EOS)[1] == [Saying("Hello there", (50, 51, 52, 53))]
    assert not one.active


def test_a_short_one_is_kept_up_for_its_first_frames() -> None:
    tokens, _ = run(dictation(Saying("Hi", (50,))), GUARD + 2)
    assert tokens == [BOS, 50, *[PAD] * (GUARD - 2), OWN, OWN]


def test_a_model_that_does_not_end_is_ended() -> None:
    saying = Saying("Hello there", (50, 51))
    tokens, ended = run(dictation(saying), 200)
    assert tokens.index(EOS) == saying.longest
    assert ended == [saying]
    assert set(tokens[saying.longest + 1 :]) == {OWN}


def test_a_farewell_is_heard_to_its_end_and_then_parts() -> None:
    text = "Goodbye and thank you"
    tokens, ended = run(dictation(Saying(text, (50, 51), parting=HANGUP)), 200, own=EOS, loud=30)
    assert tokens.index(EOS) == max(frames_of(text), 30 + QUIET)
    assert set(tokens[3 : tokens.index(EOS)]) == {PAD}
    assert [one.parting for one in ended] == [HANGUP]


def test_what_must_be_heard_is_not_left_to_the_model() -> None:
    saying = Saying("Recorded", (50,), interruptible=False)
    tokens, _ = run(dictation(saying), 40, own=EOS, loud=12)
    assert tokens.index(EOS) == 12 + QUIET
    assert OWN not in tokens[: tokens.index(EOS)]


def test_the_first_frames_cannot_be_interrupted() -> None:
    one = dictation(Saying("Hello there", tuple(range(50, 60))))
    may = []
    for _ in range(GUARD + 1):
        may.append(one.interruptible)
        run(one, 1)
    assert may == [False] * GUARD + [True]


def test_stopping_ends_the_turn_and_forgets_the_rest() -> None:
    one = dictation(Saying("a", (50, 51, 52)), Saying("b", (60,), parting=HANGUP))
    run(one, 2)
    one.stop()
    assert run(one, 3, talking=True) == ([EOS, OWN, OWN], [])


def test_a_turn_of_the_models_is_ended_first() -> None:
    assert run(dictation(Saying("Hi", (50,))), 3, talking=True)[0] == [EOS, BOS, 50]


def test_sentences_come_one_after_the_other() -> None:
    one = dictation(Saying("a", (50,)), Saying("b", (60,)))
    tokens, ended = run(one, 60, own=EOS)
    assert [one.text for one in ended] == ["a", "b"]
    assert tokens.index(60) > tokens.index(50) + GUARD - 1

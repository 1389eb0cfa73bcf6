"""The caller's words and turns, of the text that each frame adds."""

from __future__ import annotations

from bot.engines.voicechat.heard import TURN_END, WORD_END, HeardWords
from bot.facts import EngineEvent, Speaker, Turn, Word, Words
from media.frame import STEP

LEAD = 199


def fed(heard: HeardWords, texts: list[str], *, first: int = 0) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    for frame, text in enumerate(texts, start=first):
        events += heard.push(text, at=frame * STEP + LEAD)
    return events


def words(events: list[EngineEvent]) -> list[Word]:
    return [word for event in events if isinstance(event, Words) for word in event.words]


def test_a_turn_is_framed_by_its_beginning_and_end() -> None:
    texts = ["", "", " hel", "lo", " there", *[""] * TURN_END]
    events = fed(HeardWords(), texts)
    begin, end = 2 * STEP + LEAD - STEP, 4 * STEP + LEAD
    assert events[0] == Turn(speaking=True, sample=begin)
    assert events[-1] == Turn(speaking=False, sample=end)
    assert words(events) == [Word("hello", begin, end - STEP), Word("there", end - STEP, end)]
    assert {e.speaker for e in events if isinstance(e, Words)} == {Speaker.CALLER}


def test_a_word_is_told_when_nothing_more_belongs_to_it() -> None:
    heard = HeardWords()
    assert words(fed(heard, [" yes", *[""] * (WORD_END - 1)])) == []
    assert [w.text for w in words(fed(heard, [""], first=WORD_END))] == ["yes"]
    assert heard.speaking


def test_a_pause_within_a_turn_does_not_end_it() -> None:
    events = fed(HeardWords(), [" a", *[""] * (TURN_END - 1), " b", *[""] * TURN_END])
    assert [e.speaking for e in events if isinstance(e, Turn)] == [True, False]
    assert {e.utterance for e in events if isinstance(e, Words)} == {1}


def test_turns_are_numbered() -> None:
    events = fed(HeardWords(), 2 * [" a", *[""] * TURN_END])
    assert [e.utterance for e in events if isinstance(e, Words)] == [1, 2]


def test_nothing_lies_before_the_call() -> None:
    events = fed(HeardWords(), [" a", *[""] * TURN_END])
    assert events[0] == Turn(speaking=True, sample=0)
    assert words(events) == [Word("a", 0, LEAD)]


def test_speech_in_a_row_is_counted() -> None:
    heard = HeardWords()
    runs = []
    for text in (" a", "b", "", " c"):
        fed(heard, [text])
        runs.append(heard.run)
    assert runs == [1, 2, 0, 1]


def test_a_turn_can_be_ended_from_outside() -> None:
    heard = HeardWords()
    fed(heard, [" a"])
    assert [type(event) for event in heard.end()] == [Words, Turn]
    assert heard.end() == []

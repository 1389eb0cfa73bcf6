from __future__ import annotations

from bot.facts import Speaker, Word
from bot.transcript import Utterance
from gateway.diff.words import Change, compare_words


def line(text: str, start: int = 0) -> Utterance:
    word = Word(text, start, start + 10)
    return Utterance(Speaker.BOT, start, start + 10, start + 10, text, (word,))


def test_case_and_punctuation_are_no_difference() -> None:
    found = compare_words([line("Yes, please!")], [line("yes please")])
    assert (found.edits, found.rate, found.changes) == (0, 0.0, ())


def test_what_was_changed_added_and_removed_is_listed() -> None:
    reference = [line("good morning", 0), line("nine o'clock", 100), line("bye", 200)]
    ours = [line("good morning", 5), line("ten o'clock", 110), line("bye", 210), line("now", 300)]
    found = compare_words(ours, reference)
    assert found.edits == 2
    assert found.rate == 2 / 5
    assert found.changes == (
        Change(100, "nine o'clock", 110, "ten o'clock"),
        Change(None, "", 300, "now"),
    )
    assert compare_words(reference, [*reference, line("x")]).changes == (Change(0, "x", None, ""),)


def test_nothing_against_something() -> None:
    found = compare_words([line("one two")], [])
    assert (found.edits, found.rate) == (2, None)
    assert compare_words([], []).edits == 0

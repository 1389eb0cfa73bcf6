"""Word error rates."""

from __future__ import annotations

import pytest

from bot.voicechat.wer import word_errors, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Yes, PLEASE!", "yes please"),
        ("  I don’t -- no\n'tis twenty-one ", "i dont no tis twenty one"),
        ("<s> hello<|1.2|> there <$2$>you <3.44></s><SPECIAL_12>", "hello there you"),
        ("if a < b and b > a", "if a b and b a"),
        ("…", ""),
    ],
)
def test_what_counts_as_words(text: str, words: str) -> None:
    assert words_of(text) == words.split()


def test_a_word_counts_the_same_in_every_recording() -> None:
    pairs = [("one two three four five six seven", "one two three four five six"), ("ten", "pen")]
    found = word_errors(pairs)
    assert found is not None
    assert (found.edits, found.words, found.recordings) == (2, 8, 2)
    assert found.rate == 0.25


def test_who_was_not_understood_counts_and_who_has_no_reference_does_not() -> None:
    found = word_errors([("a b", ""), ("", "said unasked"), ("?!", "c")])
    assert found is not None
    assert (found.edits, found.words, found.recordings) == (2, 2, 1)
    assert word_errors([("", "a")]) is None
    assert word_errors([]) is None


def test_it_may_be_more_than_one() -> None:
    found = word_errors([("a", "b c d")])
    assert found is not None
    assert found.rate == 3.0

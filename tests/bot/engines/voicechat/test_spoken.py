"""Where the agent's words are heard, of when its tokens came."""

from __future__ import annotations

from itertools import pairwise

from bot.engines.voicechat.spoken import DELAY, LETTER, SpokenWords, frames_of
from bot.facts import Word
from media.frame import STEP


def fed(spoken: SpokenWords, texts: list[str], *, begin: int = 0, rest: int = 0) -> list[Word]:
    """One text a frame, then ``rest`` frames without; a word is told no later than it begins."""
    told: list[Word] = []
    for step, text in enumerate([*texts, *[""] * rest], start=begin):
        spoken.push(text, step=step)
        for words in spoken.due(step):
            assert all(step * STEP <= word.start < (step + 1) * STEP for word in words.words)
            told += words.words
    return told


def test_the_first_word_begins_the_talkers_delay_after_its_token() -> None:
    spoken = SpokenWords()
    spoken.begin()
    (word,) = fed(spoken, ["", "", "Hello"], rest=20)
    start = (2 + DELAY) * STEP
    assert word == Word("Hello", start, start + 5 * LETTER)


def test_words_follow_each_other_at_the_pace_of_speech_not_of_text() -> None:
    words = fed(SpokenWords(), ["I", " can", " hel", "p", " you", "."], rest=40)
    assert [word.text for word in words] == ["I", "can", "help", "you."]
    assert words[0].start == DELAY * STEP
    assert [b.start - a.end for a, b in pairwise(words)] == [LETTER] * 3


def test_a_word_whose_token_comes_late_is_heard_late() -> None:
    words = fed(SpokenWords(), ["I ", *[""] * 9, "am"], rest=20)
    assert [word.start for word in words] == [DELAY * STEP, (10 + DELAY) * STEP]


def test_a_word_comes_whole_though_pads_are_in_it() -> None:
    assert [w.text for w in fed(SpokenWords(), ["won", "", "der"], rest=20)] == ["wonder"]


def test_a_word_that_is_about_to_sound_is_told_as_it_is() -> None:
    assert [w.text for w in fed(SpokenWords(), ["won", "", "", "der"], rest=20)] == ["won", "der"]


def test_at_the_end_of_a_turn_all_was_said() -> None:
    spoken = SpokenWords()
    assert fed(spoken, ["one", " two", " three"]) == [Word("one", 2 * STEP, 2 * STEP + 3 * LETTER)]
    (rest,) = spoken.end(3)
    assert rest.text == "two three"
    assert [(w.start, w.end) for w in rest.words] == [(3840, 4480), (4480, 5120)]
    assert spoken.end(4) == []


def test_what_was_broken_off_is_never_told() -> None:
    spoken = SpokenWords()
    fed(spoken, ["one", " two", " three"])
    spoken.drop()
    assert fed(spoken, [], begin=3, rest=40) == []


def test_every_turn_is_an_utterance_of_its_own() -> None:
    spoken, numbers = SpokenWords(), []
    for turn in range(2):
        spoken.begin()
        spoken.push("yes", step=20 * turn)
        numbers += [words.utterance for words in spoken.end(20 * turn + 10)]
    spoken.push("no", step=60)  # a turn without a beginning
    numbers += [words.utterance for words in spoken.end(70)]
    assert numbers == [1, 2, 3]


def test_after_dropped_frames_places_are_in_the_present() -> None:
    spoken = SpokenWords()
    spoken.push("late ", step=0)
    (words,) = spoken.due(50)
    assert words.words == (Word("late", 50 * STEP, 50 * STEP + 4 * LETTER),)


def test_sixteen_letters_take_a_second() -> None:
    assert frames_of("") == DELAY
    assert frames_of("0123456789abcdef") == DELAY + 13

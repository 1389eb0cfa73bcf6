"""The agent's words and where they are heard. Pure; bot time throughout.

Text comes on its own channel, faster than it is spoken, and nothing says where in the sound a word
is. So words are placed by rule: the first of a turn where the talker begins, ``DELAY`` frames
behind its token; each of the others there, or where the word before it must be over. Both numbers
are derived, not measured. A word is announced in the step of its place, so that one which the
agent broke off before never counts as said.
"""

from __future__ import annotations

from collections import deque

from bot.facts import Speaker, Word, Words
from media.frame import STEP

DELAY = 2
"""Frames from a token to its sound: by so many the talker's targets were late in training."""

LETTER = 1_000
"""Samples of a letter or space: 16 a second, or 160 words of six a minute."""


class SpokenWords:
    """One row's."""

    def __init__(self, *, delay: int = DELAY) -> None:
        self._delay = delay * STEP
        self._utterance = 0
        self._open = False
        self._begun = ""  # a word that may go on
        self._since = 0  # bot time of its first token
        self._free = 0  # bot time at which the last word placed is over
        self._placed: deque[Word] = deque()

    def begin(self) -> None:
        """The agent's turn begins."""
        self._finish()
        self._utterance += 1
        self._open = True

    def push(self, text: str, *, step: int) -> None:
        """What the token of frame ``step`` added; nothing, most of the time."""
        if not text:
            if self._begun and step * STEP >= self._since + self._delay:
                self._finish()  # its first sample is about to go out
            return
        if not self._open:
            self.begin()
        for letter in text:
            if letter.isspace():
                self._finish()
                continue
            self._since = self._since if self._begun else step * STEP
            self._begun += letter

    def part(self) -> None:
        """Another speaker goes on, though it is the same voice: a word that has begun is over."""
        self._finish()

    def due(self, step: int) -> list[Words]:
        """Words of which frame ``step`` has the first sample."""
        words, end = [], (step + 1) * STEP
        while self._placed and self._placed[0].start < end:
            word = self._placed.popleft()
            late = max(0, step * STEP - word.start)  # frames were dropped
            words.append(Word(word.text, word.start + late, word.end + late))
        return self._told(words)

    def end(self, step: int) -> list[Words]:
        """The turn is over and all was spoken: what is left was, by now."""
        self._finish()
        rest, self._open, self._free = [*self._placed], False, 0
        self._placed.clear()
        places = [step * STEP + n * STEP // max(1, len(rest)) for n in range(len(rest) + 1)]
        return self._told([Word(word.text, *places[n : n + 2]) for n, word in enumerate(rest)])

    def drop(self) -> None:
        """The turn was broken off: what has not been announced is never said."""
        self._begun, self._open, self._free = "", False, 0
        self._placed.clear()

    def _finish(self) -> None:
        text, self._begun = self._begun, ""
        if text:
            start = max(self._since + self._delay, self._free)
            end = start + len(text) * LETTER
            self._placed.append(Word(text, start, end))
            self._free = end + LETTER

    def _told(self, words: list[Word]) -> list[Words]:
        if not words:
            return []
        text = " ".join(word.text for word in words)
        return [Words(Speaker.BOT, self._utterance, text, tuple(words))]


def frames_of(text: str) -> int:
    """About how many frames it takes to say ``text``, the talker's delay included."""
    return DELAY + -(-len(text) * LETTER // STEP)

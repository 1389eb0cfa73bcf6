"""The caller's words and turns, of what the model's ears made of each frame. Pure; media time."""

from __future__ import annotations

from bot.facts import EngineEvent, Speaker, Turn, Word, Words
from media.frame import STEP

TURN_END = 10
"""Frames without a word after which the caller has finished, as in the preset ``responsive``."""

WORD_END = 5
"""Frames after which nothing more belongs to a word."""


class HeardWords:
    """One row's. ``speaking``: within a turn; ``run``: frames with words in a row up to now."""

    def __init__(self) -> None:
        self.speaking = False
        self.run = 0
        self.onset = 0  # of the turn
        self._last = 0  # where the last speech ended
        self._turns = 0
        self._quiet = 0
        self._word = ""
        self._start = self._end = 0

    def push(self, text: str, *, at: int) -> list[EngineEvent]:
        """What a frame that ends at media time ``at`` added to the caller's text."""
        events: list[EngineEvent] = []
        if text.strip():
            if not self.speaking:
                self.speaking, self.onset = True, max(0, at - STEP)
                self._turns += 1
                events.append(Turn(speaking=True, sample=self.onset))
            self.run, self._quiet = self.run + 1, 0
            events += self._take(text, at)
            self._last = at
            return events
        self.run, self._quiet = 0, self._quiet + 1
        if text or self._quiet == WORD_END:
            events += self._finish()
        if self.speaking and self._quiet >= TURN_END:
            events += self.end()
        return events

    def end(self) -> list[EngineEvent]:
        """The caller's turn is over, if there is one."""
        if not self.speaking:
            return []
        events = self._finish()
        self.speaking, self.run = False, 0
        return [*events, Turn(speaking=False, sample=self._last)]

    def _take(self, text: str, at: int) -> list[EngineEvent]:
        events: list[EngineEvent] = []
        for letter in text:
            if letter.isspace():
                events += self._finish()
                continue
            if not self._word:
                self._start = max(0, at - STEP)
            self._word, self._end = self._word + letter, at
        return events

    def _finish(self) -> list[EngineEvent]:
        text, self._word = self._word, ""
        if not text:
            return []
        word = Word(text, self._start, max(self._end, self._start + 1))
        return [Words(Speaker.CALLER, self._turns, text, (word,))]

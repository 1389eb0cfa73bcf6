"""Sentences that the host puts into the agent's mouth, token by token. Pure.

BOS, the text's tokens, one a frame, then silence on the channel while the talker, who is slower,
speaks on. The model decides itself when the turn is over, as it does for its own; but not in the
first frames, and not for ever. Words that must be heard to their end are given PADs until the
sound has ceased.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bot.engines.voicechat.spoken import frames_of
from bot.facts import Action

OWN = -1
"""The model's own token, as ``bot.voicechat.seating`` has it, which needs torch."""

GUARD = 4
"""Frames at the beginning that nobody interrupts: 320 ms."""

QUIET = 8
"""Frames without sound after which a sentence has been spoken: longer than pauses within one."""


@dataclass(frozen=True, slots=True)
class Saying:
    """``parting`` is done once this has been said; without one the turn is then the model's."""

    text: str
    tokens: tuple[int, ...]
    interruptible: bool = True
    parting: Action | None = None

    @property
    def whole(self) -> bool:
        """Whether the model is kept from ending it."""
        return self.parting is not None or not self.interruptible

    @property
    def longest(self) -> int:
        """Frames from its BOS on after which it is ended, whatever is still to be heard."""
        return max(2 * frames_of(self.text), len(self.tokens) + 1) + QUIET


class Dictation:
    """One row's. ``token`` before a frame, ``took`` after it."""

    def __init__(self, *, pad: int, bos: int, eos: int) -> None:
        self._pad, self._bos, self._eos = pad, bos, eos
        self._waiting: deque[Saying] = deque()
        self._now: Saying | None = None
        self._given = self._quiet = 0
        self._stopping = False

    @property
    def active(self) -> bool:
        """Whether something is being said, or is to be."""
        return bool(self._now or self._waiting or self._stopping)

    @property
    def interruptible(self) -> bool:
        """Whether the caller may now stop what is being said."""
        return self._now is not None and self._now.interruptible and self._given >= GUARD

    def say(self, saying: Saying) -> None:
        """After what is said already."""
        self._waiting.append(saying)

    def stop(self) -> None:
        """Say no more; the turn is ended in the next frame."""
        self._waiting.clear()
        self._now, self._stopping = None, True

    def clear(self) -> None:
        """Forget everything, as if nothing had been said."""
        self._waiting.clear()
        self._now, self._stopping = None, False

    def token(self, *, talking: bool) -> int:
        """The next frame's. ``talking``: the agent is within a turn."""
        if self._now is None and (self._stopping or (self._waiting and talking)):
            self._stopping = False
            return self._eos
        if self._now is None:
            if not self._waiting:
                return OWN
            self._now = self._waiting.popleft()
            self._given = self._quiet = 0
        return self._next(self._now, self._given)

    def took(self, token: int, *, loud: bool) -> Saying | None:
        """A frame is done: what the channel had, and whether it was loud. What it has ended."""
        now = self._now
        if now is None:
            return None
        self._given += 1
        self._quiet = 0 if loud else self._quiet + 1
        if token == self._eos and self._given > 1:
            self._now = None
            return now
        return None

    def _next(self, saying: Saying, given: int) -> int:
        script = (self._bos, *saying.tokens)
        if given < len(script):
            return script[given]
        spoken = given >= frames_of(saying.text) and self._quiet >= QUIET
        if given >= saying.longest or (saying.whole and spoken):
            return self._eos
        return self._pad if saying.whole or given < GUARD else OWN

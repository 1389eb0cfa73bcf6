"""Whether a call has decayed, judged by what its agent says, frame by frame.

The model was trained on two minutes. In longer calls it may say no words any more, say the same
for ever, take turns that nobody gave it, or fall silent (its card; users' reports). Nothing in the
model notices; what to do about it is the host's business.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from bot.voicechat.special import SpecialTokens


class Verdict(StrEnum):
    """What is wrong with the agent."""

    GIBBERISH = "gibberish"
    """Signs, bytes or other scripts in the place of words; or words without an end."""
    LOOP = "loop"
    """The same words again and again."""
    SELF_TALK = "self-talk"
    """Turns of its own, and none of the caller's between them."""
    UNANSWERED = "unanswered"
    """The caller has said something and is waiting."""
    VOICELESS = "voiceless"
    """It has text to say, and nothing is heard."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still taken for healthy. Frames are of 80 ms; tokens are those with text.

    They are chosen, not measured: for each, what an ordinary call may do is far away from it.
    """

    window: int = 40
    """Tokens, blanks not among them, of which the share of wordless ones is taken: two or three
    sentences."""
    wordless: float = 0.6
    """That share. A punctuation mark is wordless, too: every seventh token or so of English, every
    second one of something spelled."""
    longest_word: int = 60
    """Letters and digits without a blank. The longest English word has 45."""
    loop_least: int = 48
    """Tokens without which nothing is a loop: three or four sentences."""
    loop_window: int = 96
    """Tokens that are looked at."""
    distinct: float = 0.4
    """The share of different ones among their triples: in prose above 0.9, in lists of numbers
    about 0.6; a loop of ``n`` tokens has ``n / loop_window``."""
    turns_alone: int = 4
    """Turns in a row that the agent may begin by itself, the one that answers the caller not
    counted. One asks whether anybody is there."""
    caller_turn: int = 3
    """Frames of speech that make a turn of the caller's, as in ``TurnPolicy.min_speech``."""
    caller_pause: int = 10
    """Frames without speech that end it, as in ``TurnPolicy.eou``."""
    unanswered: int = 125
    """Frames (10 s) that an answer may take. The model takes half a second; callers who wait for
    ten ask whether anybody is there."""
    voiceless_tokens: int = 4
    """Text that is heard in any case: a few words."""
    voiceless: int = 25
    """Frames (2 s) between text and sound; between sentences there is one second at most."""
    audible: float = 0.003
    """Root mean square of a frame that is heard, of full scale: -50 dB."""


class Watchdog:
    """Of one call; ``reset`` when its row begins afresh. Pure, and no clock: it counts frames."""

    def __init__(self, ids: SpecialTokens, limits: Limits = Limits()) -> None:
        self._ids, self._limits = ids, limits
        self.reset()

    def reset(self) -> None:
        """As before the first frame."""
        self._text = _Text(self._limits)
        self._sound = _Sound(self._limits)
        self._turns = _Turns(self._limits)

    def push(
        self, token: int, delta: str, *, rms: float, caller: bool, host: bool = False
    ) -> Verdict | None:
        """One frame; what is found is said once, and then all counts begin anew.

        Args:
            token: the agent's, of the text channel.
            delta: what it adds to the text (``TextStream.push``); of BOS, EOS and PAD nothing
                counts.
            rms: of the frame's sound, full scale being 1.
            caller: whether the caller speaks.
            host: the host had a hand in the frame: its token was dictated (a greeting, a pad
                while a tool works) or its sound muted. Then nothing is held against the model.
        """
        found = self._judged(token, delta, rms=rms, caller=caller, host=host)
        if found is not None:
            self.reset()
        return found

    def _judged(
        self, token: int, delta: str, *, rms: float, caller: bool, host: bool
    ) -> Verdict | None:
        ids, audible = self._ids, rms >= self._limits.audible
        begins, says = token == ids.bos, token not in (ids.pad, ids.bos, ids.eos)
        self._turns.hear(caller)
        if begins and self._turns.asked:
            self._text.forget()  # asked again, it may say the same again
        if says or audible:
            self._turns.go_on()
        if host:
            self._sound.excuse()
            self._turns.excuse(begins=begins)
            return None
        if begins and self._turns.begin():
            return Verdict.SELF_TALK
        if says and (found := self._text.push(token, delta)):
            return found
        if self._turns.waits():
            return Verdict.UNANSWERED
        ends = token in (ids.bos, ids.eos)
        return Verdict.VOICELESS if self._sound.push(audible, says=says, ends=ends) else None


class _Turns:
    """Whose turn it is, and who has waited how long."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.asked = False
        """Has the caller had a turn since the agent's last one began?"""
        self._open = False
        """Has nothing followed it?"""
        self._speech = self._pause = self._waited = self._alone = 0

    def hear(self, caller: bool) -> None:
        self._pause = 0 if caller else self._pause + 1
        if caller:
            self._speech += 1
        elif self._over:
            self._speech = 0
        if self._speech >= self._limits.caller_turn:
            self.asked = self._open = True
            self._waited = 0

    def begin(self) -> bool:
        """The agent begins a turn; whether that is one too many."""
        self._alone = 0 if self.asked else self._alone + 1
        self._taken()
        return self._alone > self._limits.turns_alone

    def go_on(self) -> None:
        """The agent speaks, which it may have done all along: an answer comes after the caller."""
        if self._over:
            self._open = False

    def excuse(self, *, begins: bool) -> None:
        if begins:
            self._taken()

    def waits(self) -> bool:
        """Whether the caller has waited for too long."""
        self._waited += self._open and self._over
        return self._waited > self._limits.unanswered

    def _taken(self) -> None:
        self.asked = self._open = False
        self._speech = self._waited = 0

    @property
    def _over(self) -> bool:
        return self._pause >= self._limits.caller_pause


class _Text:
    """Tokens of the agent's since the caller last asked something."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._wordless: deque[bool] = deque(maxlen=limits.window)
        self._tokens: deque[int] = deque(maxlen=limits.loop_window)
        self._word = 0

    def forget(self) -> None:
        self._wordless.clear()
        self._tokens.clear()
        self._word = 0

    def push(self, token: int, delta: str) -> Verdict | None:
        self._tokens.append(token)
        if not delta.isspace():
            self._wordless.append(not delta.isascii() or not any(map(str.isalnum, delta)))
        for letter in delta:
            self._word = self._word + 1 if letter.isalnum() else 0
        if self._no_words() or self._word > self._limits.longest_word:
            return Verdict.GIBBERISH
        return Verdict.LOOP if self._loops() else None

    def _no_words(self) -> bool:
        full = len(self._wordless) == self._limits.window
        return full and sum(self._wordless) > self._limits.wordless * self._limits.window

    def _loops(self) -> bool:
        if len(self._tokens) < self._limits.loop_least:
            return False
        said = list(self._tokens)
        triples = list(zip(said, said[1:], said[2:], strict=False))
        return len(set(triples)) < self._limits.distinct * len(triples)


class _Sound:
    """Text that is waiting to be heard."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tokens = self._frames = 0

    def excuse(self) -> None:
        self._tokens = self._frames = 0

    def push(self, audible: bool, *, says: bool, ends: bool) -> bool:
        """One frame; whether the text has waited for too long."""
        if audible or ends:
            self.excuse()
            return False
        self._tokens += says
        self._frames += self._tokens > 0
        enough = self._tokens >= self._limits.voiceless_tokens
        return enough and self._frames >= self._limits.voiceless

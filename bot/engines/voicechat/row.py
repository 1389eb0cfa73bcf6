"""One call: what the model is given for each frame, and what is made of what it says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bot.engines.voicechat.channels import Channels
from bot.engines.voicechat.dictation import Dictation, Saying
from bot.engines.voicechat.heard import HeardWords
from bot.engines.voicechat.lines import Lines
from bot.engines.voicechat.spoken import SpokenWords
from bot.facts import Act, Action, Command, Cut, EngineEvent, Fact, Heard, Held, Order
from bot.voicechat.model import VoiceChat
from bot.voicechat.prompts import ascii_of
from bot.voicechat.seating import OWN, FrameIn, FrameOut
from bot.voicechat.toolcalls import ToolCall, ToolCallReader, ToolFault
from bot.voicechat.watchdog import Watchdog
from media.frame import STEP, Pcm
from media.level import FULL_SCALE, dbfs, rms

LOUD_DBFS = -50.0
"""The agent is heard above this; what the codec makes of its own codes of silence is not zero."""

BARGE_IN = 3
"""Frames with words of the caller's in a row that stop a sentence the model cannot stop, as in the
preset ``responsive``."""

PATIENCE = 2
"""At so many verdicts of the watchdog the call is ended: the first only rolls over."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Positions of the row's memory: see ``VoiceChatChoice``."""

    rollover: int
    longest: int

    @property
    def pressing(self) -> int:
        """From here on a rollover does not wait for the caller to finish."""
        return (self.rollover + self.longest) // 2


class Row:
    """From ``reset`` to ``release``: for each frame ``learn``, ``frame``, the model, ``after``.

    ``fresh``: the row shall begin anew in the model before the next frame.
    """

    def __init__(
        self, model: VoiceChat, *, lines: Lines, bounds: Bounds, watched: bool = True
    ) -> None:
        ids = model.ids
        self._ids, self._lines, self._bounds = ids, lines, bounds
        self._channels = Channels(model)
        self._dictation = Dictation(pad=ids.pad, bos=ids.bos, eos=ids.eos)
        self._spoken, self._heard = SpokenWords(), HeardWords()
        self._tools = ToolCallReader(model.tokenizer, ids)
        self._watchdog = Watchdog(ids) if watched else None
        self._events: list[EngineEvent] = []
        self._talking = self._held = self._decayed = self.fresh = False
        self._leaving = self._gone = False  # a goodbye is being said, it was said
        self._verdicts = 0
        self._given = self._given_before = OWN  # what was dictated in this frame
        self._until = self._loud_until = 0  # bot time heard, and of the last sound
        if lines.greeting:
            self._say(lines.greeting, interruptible=lines.interruptible)

    # -- before a frame ------------------------------------------------------------------------

    def learn(self, facts: Iterable[Fact], *, used: int) -> bool:
        """What happened since the last frame; whether the row steps now: not on hold, nor once all
        is said and the call is to end.

        ``used``: positions of the row's memory so far.
        """
        for fact in facts:
            match fact:
                case Heard(until=until, flushed=flushed):
                    self._until = until
                    self._loud_until = min(self._loud_until, until) if flushed else self._loud_until
                case Held(on=on):
                    self._held = on
                    self._events += self._heard.end() if on else []
                case Command():
                    self._obey(fact)
        if self._held or self._gone:
            return False
        self._mind_length(used)
        return True

    def frame(self, pcm: Pcm) -> FrameIn:
        """What the model is given; ``pcm`` int16 [1280] at 16 kHz."""
        self._given_before = self._given
        self._given = self._dictation.token(talking=self._talking)
        heard = pcm.astype(np.float32) / np.float32(FULL_SCALE)
        return FrameIn(pcm=heard, text=self._given)

    def begun(self) -> None:
        """The row has begun anew in the model: of the agent's side nothing is left."""
        self.fresh = self._talking = False
        self._channels.clear()
        if self._watchdog is not None:
            self._watchdog.reset()
        if (fault := self._tools.flush()) is not None:
            self._events.append(_fault(fault))

    def _obey(self, command: Command) -> None:
        match command.order:
            case Order.GOODBYE:
                self._leave("goodbye", interruptible=True)
            case Order.SAY if command.text.strip():
                self._say(command.text)
            case Order.NO_INPUT:
                quiet = not (self._talking or self._dictation.active or self._heard.speaking)
                if quiet and (text := self._lines.asked(command.count)):
                    self._say(text)

    def _mind_length(self, used: int) -> None:
        if self._leaving:
            return
        if self._decayed:
            self._decayed, self.fresh = False, True
            self._verdicts += 1
            self._fall_silent()
            if self._verdicts >= PATIENCE:
                self._leave("decayed")
        elif used >= self._bounds.longest:
            self._leave("longest-call")
        elif used >= self._bounds.rollover:
            silent = not (self._talking or self._dictation.active or self._tools.open)
            waits = self._heard.speaking and used < self._bounds.pressing
            self.fresh = self.fresh or (silent and not waits)

    def _say(self, text: str, *, interruptible: bool = True, parting: Action | None = None) -> None:
        text = ascii_of(text)  # as the model was trained, and as tokens are
        tokens = self._channels.tokens(text)
        self._dictation.say(Saying(text, tokens, interruptible=interruptible, parting=parting))

    def _leave(self, reason: str, *, interruptible: bool = False) -> None:
        """Say goodbye, then hang up. A goodbye that the caller may stop can be asked for again."""
        if self._leaving:
            return
        self._leaving = not interruptible
        if self._leaving and self._dictation.active:
            self._dictation.stop()
        parting = Action(Act.HANGUP, {"reason": reason})
        self._say(self._lines.goodbye, interruptible=interruptible, parting=parting)

    def _fall_silent(self) -> None:
        """What was handed out and not heard is not to be heard any more."""
        self._spoken.drop()
        self._dictation.clear()
        self._cut("decayed")

    def _cut(self, reason: str, onset: int | None = None) -> None:
        if self._loud_until > self._until:
            self._events.append(Cut(reason, onset))
            self._loud_until = 0

    # -- after it ------------------------------------------------------------------------------

    def after(self, out: FrameOut, *, step: int, at: int) -> Pcm:
        """What the caller is given: int16 [n] at the model's rate; none if nothing is said aloud.

        ``step`` is the frame's number in the call, ``at`` the media time at which it ends.
        """
        pcm = _int16(out)
        loud = dbfs(pcm) >= LOUD_DBFS
        text = self._channels.agent(out.text)
        self._events += self._heard.push(self._channels.caller(out), at=at)
        self._follow(out.text, text, step=step, loud=loud)
        self._watch(out.text, text, level=rms(pcm) / FULL_SCALE)
        self._events += self._asked(out.function)
        if loud:
            self._loud_until = (step + 1) * STEP
        return pcm

    def told(self) -> list[EngineEvent]:
        """What has happened and was not said yet."""
        events, self._events = self._events, []
        return events

    def _follow(self, token: int, text: str, *, step: int, loud: bool) -> None:
        """The agent's token of the frame, and what it adds to the text."""
        said = self._dictation.took(token, loud=loud)
        if token == self._ids.bos:
            self._spoken.begin()
            self._talking = True
        if self._given == OWN and self._given_before != OWN:
            self._spoken.part()
        self._spoken.push(text, step=step)
        if token == self._ids.eos:
            self._ended(said, step=step)
        self._events += self._spoken.due(step)
        if said is not None and said.parting is not None:
            self._events.append(said.parting)
            self._gone = True
        dictated = self._given != OWN and self._dictation.interruptible
        if dictated and self._heard.run >= BARGE_IN:
            self._dictation.stop()

    def _ended(self, said: Saying | None, *, step: int) -> None:
        """The agent falls silent: all was said, or somebody wants it to, mostly the caller."""
        self._talking = False
        ours = self._given == self._ids.eos
        whole = said is not None if ours else not self._heard.speaking
        if whole:
            self._events += self._spoken.end(step)
            return
        self._spoken.drop()
        if self._heard.speaking:
            self._cut("barge-in", self._heard.onset)

    def _watch(self, token: int, text: str, *, level: float) -> None:
        """``level``: the frame's, of full scale. What is dictated is not held against the model."""
        if self._watchdog is None:
            return
        host = self._given != OWN or self._dictation.active or self._tools.open
        caller = self._heard.run > 0
        verdict = self._watchdog.push(token, text, rms=level, caller=caller, host=host)
        if verdict is not None and not self._leaving:
            self._decayed = True
            self._events.append(Action("decayed", {"verdict": str(verdict)}))

    def _asked(self, token: int) -> list[EngineEvent]:
        """A tool call is reported under its tool's name; nothing is carried out."""
        match self._tools.push(token):
            case ToolCall() as call:
                return [_reported(one) for one in (call, *call.further)]
            case ToolFault() as fault:
                return [_fault(fault)]
        return []


def _reported(call: ToolCall) -> Action:
    """The call's own actions are the host's to ask for: a tool of their name gets another."""
    name = f"tool.{call.name}" if call.name in tuple(Act) else call.name
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False, sort_keys=True)
    return Action(name, {"arguments": arguments})


def _fault(fault: ToolFault) -> Action:
    return Action("tool-fault", {"why": str(fault.kind), "raw": fault.raw})


def _int16(out: FrameOut) -> Pcm:
    if out.pcm is None:
        return np.zeros(0, np.int16)
    scaled = np.rint(out.pcm * np.float32(FULL_SCALE))
    pcm: Pcm = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return pcm

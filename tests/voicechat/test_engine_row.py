"""One call around a model that says what it is told to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.engines.voicechat.dictation import GUARD
from bot.engines.voicechat.lines import Lines
from bot.engines.voicechat.row import BARGE_IN, Bounds, Row
from bot.facts import (
    Action,
    Command,
    Cut,
    EngineEvent,
    Fact,
    Heard,
    Order,
    Speaker,
    Turn,
    Words,
)
from bot.voicechat.build import load
from bot.voicechat.model import VoiceChat
from bot.voicechat.seating import OWN, FrameOut
from bot.voicechat.watchdog import Limits
from media.frame import STEP, silence

BOUNDS = Bounds(rollover=1000, longest=1200)
LOUD = np.full(1764, 0.3, np.float32)
QUIET = np.zeros(1764, np.float32)


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    return load(original)


class Talk:
    """A row, and a model that says ``say`` unless something is dictated."""

    def __init__(self, model: VoiceChat, lines: Lines | None = None, **changes: bool) -> None:
        self.model, self.ids = model, model.ids
        lines = lines or Lines(goodbye="bye", no_input=("there?",))
        self.row = Row(model, lines=lines, bounds=BOUNDS, **changes)
        self.step = 0
        self.events: list[EngineEvent] = []
        self.tokens: list[int] = []

    def frame(
        self,
        say: int | None = None,
        *facts: Fact,
        heard: str = "",
        function: int | None = None,
        loud: bool = True,
        used: int = 100,
    ) -> bool:
        """One frame: whether it was stepped."""
        stepped = self.row.learn(facts, used=used)
        if stepped:
            if self.row.fresh:
                self.row.begun()
            given = self.row.frame(silence(STEP)).text
            text = (self.ids.pad if say is None else say) if given == OWN else given
            self.tokens.append(text)
            out = FrameOut(
                text=text,
                function=self.ids.pad if function is None else function,
                asr=self.ids.pad,
                pieces=self.pieces(heard),
                forced=0,
                pcm=LOUD if loud else QUIET,
            )
            self.row.after(out, step=self.step, at=self.step * STEP + 199)
        self.events += self.row.told()
        self.step += 1
        return stepped

    def pieces(self, heard: str) -> tuple[int, ...]:
        assert self.model.rnnt is not None
        return tuple(self.model.rnnt.config.pieces.index(one) for one in heard.split())

    def word(self, text: str) -> tuple[int, ...]:
        return tuple(self.model.tokenizer.encode(text, add_special_tokens=False).ids)

    def of(self, kind: type) -> list[EngineEvent]:
        return [event for event in self.events if isinstance(event, kind)]


def test_the_caller_stops_the_agent_and_what_waits_is_thrown_away(model: VoiceChat) -> None:
    talk = Talk(model)
    for token in (talk.ids.bos, *talk.word(" hello you and I can help")):
        talk.frame(token)
    for _ in range(2):
        talk.frame(heard="▁n o")
    talk.frame(talk.ids.eos, Heard(0, (talk.step - 1) * STEP))
    onset = (talk.step - 3) * STEP + 199 - STEP
    assert talk.of(Cut) == [Cut("barge-in", onset)]
    assert talk.events.index(Turn(speaking=True, sample=onset)) < talk.events.index(
        Cut("barge-in", onset)
    )
    count = len([e for e in talk.of(Words) if isinstance(e, Words) and e.speaker is Speaker.BOT])
    for _ in range(40):
        talk.frame(loud=False)
    bot = [e for e in talk.of(Words) if isinstance(e, Words) and e.speaker is Speaker.BOT]
    assert len(bot) == count  # the rest of the sentence is never said


def test_a_turn_that_ends_by_itself_is_no_cut(model: VoiceChat) -> None:
    talk = Talk(model)
    for token in (talk.ids.bos, *talk.word(" hello you"), talk.ids.eos):
        talk.frame(token)
    assert talk.of(Cut) == []
    said = [w.text for e in talk.of(Words) if isinstance(e, Words) for w in e.words]
    assert said == ["hello", "you"]


def test_what_was_heard_already_cannot_be_cut(model: VoiceChat) -> None:
    talk = Talk(model)
    talk.frame(talk.ids.bos)
    talk.frame(heard="▁n")
    talk.frame(talk.ids.eos, Heard(0, talk.step * STEP))
    assert talk.of(Cut) == []


def test_a_greeting_is_stopped_by_a_caller_who_goes_on(model: VoiceChat) -> None:
    talk = Talk(model, Lines(greeting="hello you and I can help you and you and you and you"))
    for _ in range(BARGE_IN + GUARD):
        talk.frame(heard="▁n o")
    assert talk.tokens[0] == talk.ids.bos
    assert talk.ids.eos in talk.tokens[GUARD:]
    assert talk.ids.eos not in talk.tokens[:GUARD]
    assert [cut.reason for cut in talk.of(Cut) if isinstance(cut, Cut)] == ["barge-in"]


def test_a_notice_is_said_to_its_end(model: VoiceChat) -> None:
    talk = Talk(model, Lines(greeting="hello you and I can help", interruptible=False))
    for _ in range(20):
        talk.frame(talk.ids.eos, heard="▁n o")
    assert talk.ids.eos not in talk.tokens
    assert talk.of(Cut) == []


def test_a_tool_call_is_reported_and_not_carried_out(model: VoiceChat) -> None:
    talk = Talk(model)
    for name in ("book", "hangup"):
        text = f'<TOOLCALL>[{{"name": "{name}", "arguments": {{"day": "Monday"}}}}]</TOOLCALL>'
        for token in (talk.ids.call_start, *talk.word(text), talk.ids.call_end):
            talk.frame(function=token)
    arguments = {"arguments": '{"day": "Monday"}'}
    assert talk.of(Action) == [Action("book", arguments), Action("tool.hangup", arguments)]


def test_what_is_no_tool_call_is_reported_too(model: VoiceChat) -> None:
    talk = Talk(model)
    for token in (talk.ids.call_start, *talk.word("nonsense"), talk.ids.call_end):
        talk.frame(function=token)
    assert talk.of(Action) == [Action("tool-fault", {"why": "not-json", "raw": "nonsense"})]


def test_nobody_is_asked_while_somebody_speaks(model: VoiceChat) -> None:
    ask = Command(0, Order.NO_INPUT, count=1)
    busy = Talk(model)
    busy.frame(busy.ids.bos)
    busy.frame(None, ask)
    assert busy.tokens == [busy.ids.bos, busy.ids.pad]
    talk = Talk(model)
    talk.frame(None, ask)
    for _ in talk.word("there?"):
        talk.frame()
    assert talk.tokens == [talk.ids.bos, *talk.word("there?")]


def test_what_is_to_be_said_ends_the_models_own_turn(model: VoiceChat) -> None:
    talk = Talk(model)
    talk.frame(talk.ids.bos)
    talk.frame(None, Command(0, Order.SAY, text="hello’"))
    for _ in range(3):
        talk.frame()
    assert talk.tokens[1:5] == [talk.ids.eos, talk.ids.bos, *talk.word("hello'")[:2]]


def test_a_call_that_decays_twice_is_ended(model: VoiceChat) -> None:
    talk = Talk(model)
    stuck = Limits().unanswered + Limits().caller_pause + 20
    for time in range(2):
        for _ in range(6):
            talk.frame(heard="▁n o")
        fresh = []
        for _ in range(stuck):
            talk.row.learn((), used=100)
            fresh.append(talk.row.fresh)
            talk.frame(loud=False)
        assert fresh.count(True) == 1
        verdicts = [a for a in talk.of(Action) if isinstance(a, Action) and a.name == "decayed"]
        assert verdicts == [Action("decayed", {"verdict": "unanswered"})] * (time + 1)
    for _ in range(60):
        talk.frame(loud=False)
    assert talk.of(Action)[-1] == Action("hangup", {"reason": "decayed"})
    assert not talk.frame()


def test_nobody_watches_unless_asked(model: VoiceChat) -> None:
    talk = Talk(model, watched=False)
    for _ in range(6):
        talk.frame(heard="▁n o")
    for _ in range(200):
        talk.frame(loud=False)
    assert talk.of(Action) == []


@pytest.mark.parametrize(("used", "waits"), [(1000, True), (1099, True), (1100, False)])
def test_a_rollover_waits_for_the_caller_but_not_for_ever(
    model: VoiceChat, used: int, waits: bool
) -> None:
    talk = Talk(model)
    talk.frame(heard="▁n")
    talk.row.learn((), used=used)
    assert talk.row.fresh != waits


def test_a_rollover_waits_for_the_agent(model: VoiceChat) -> None:
    talk = Talk(model)
    talk.frame(talk.ids.bos)
    for used in (1000, 1150):
        talk.row.learn((), used=used)
        assert not talk.row.fresh
    talk.frame(talk.ids.eos)
    talk.row.learn((), used=1001)
    assert talk.row.fresh


def test_a_call_that_begins_anew_hears_no_half_tool_call(model: VoiceChat) -> None:
    talk = Talk(model)
    talk.frame(function=talk.ids.call_start)
    talk.row.learn((), used=1000)
    assert not talk.row.fresh  # a rollover waits for it
    talk.row.begun()
    talk.frame()
    assert talk.of(Action) == [Action("tool-fault", {"why": "unfinished", "raw": ""})]

"""What of a persona this engine has said."""

from __future__ import annotations

from pathlib import Path

from bot.engines.voicechat.lines import GOODBYE, Lines
from bot.persona import load, plain

PERSONA = Path(__file__).parents[4] / "configs" / "persona" / "receptionist.yaml"


def test_placeholders_are_filled() -> None:
    lines = Lines.of(plain(load(PERSONA)))
    assert lines.greeting.startswith("Hello, Willow Street Dental.")
    assert lines.interruptible


def test_sentences_about_the_call_itself_are_left_out() -> None:
    given = {"name": "A", "company": "B", "greeting": "Hello. You call from {call.caller}. Yes?"}
    assert Lines.of(given).greeting == "Hello. Yes?"


def test_nobody_there_is_asked_in_turn_and_then_again() -> None:
    lines = Lines(no_input=("one", "two"))
    assert [lines.asked(count) for count in (1, 2, 3)] == ["one", "two", "two"]
    assert Lines(no_input=()).asked(1) == ""


def test_without_a_persona_there_is_a_goodbye_and_no_greeting() -> None:
    assert (Lines.of({}).greeting, Lines.of({}).goodbye) == ("", GOODBYE)

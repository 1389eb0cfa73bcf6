"""The one map from exception to outcome."""

from __future__ import annotations

import re

import pytest

import gateway.outcome
from bot.errors import BotError, EngineFault, NoFreeSlot, WeightsMissing
from gateway.errors import (
    CallerGone,
    ConfigError,
    IceFailed,
    IllegalTransition,
    InputError,
    LegBroken,
    LegError,
    MediaSilent,
    NoAnswer,
    Rejected,
    SignallingLost,
    WorkerLost,
)
from gateway.outcome import (
    CALLER_LEFT,
    HUNG_UP,
    KILLED,
    STOPPED,
    Fault,
    Outcome,
    outcome_at,
    outcome_of,
)
from media.errors import FormatMismatch, RecorderBehind

CASES: list[tuple[BaseException, str, str]] = [
    (NoFreeSlot(engine="e", width=1), "bot", "no-free-seat"),
    (EngineFault(engine="e", why="x"), "bot", "engine-lost"),
    (WeightsMissing(part="p", path="x", why="y", remedy="z"), "bot", "engine-lost"),
    (BotError("x"), "bot", "engine-lost"),
    (MediaSilent(leg="sip", why="x"), "caller", "media-silent"),
    (IceFailed(leg="webrtc", why="x"), "caller", "ice-failed"),
    (Rejected(leg="sip", why="x"), "carrier", "rejected"),
    (NoAnswer(leg="sip", why="x"), "carrier", "no-answer"),
    (SignallingLost(leg="sip", why="x"), "carrier", "signalling-lost"),
    (CallerGone(leg="sip", why="x"), "none", "caller-left"),
    (WorkerLost(leg="sip", why="x"), "gateway", "sip-worker-lost"),
    (LegError(leg="sip", why="x"), "carrier", "leg-failed"),
    (LegBroken(leg="sip", why="x"), "gateway", "unexpected"),
    (InputError(where="a.wav", what="breaks off"), "carrier", "leg-failed"),
    (RecorderBehind(where="c", why="full"), "gateway", "no-recording"),
    (IllegalTransition(call_id="c", was="a", to="b"), "gateway", "unexpected"),
    (ConfigError(path="seed", what="x"), "gateway", "unexpected"),
    (FormatMismatch(where="x", what="y"), "gateway", "unexpected"),
    (ZeroDivisionError(), "gateway", "unexpected"),
]


@pytest.mark.parametrize(("error", "fault", "reason"), CASES)
def test_what_broke_says_how_it_ended(error: BaseException, fault: str, reason: str) -> None:
    assert outcome_of(error) == Outcome(Fault(fault), reason)


def test_the_table_in_the_docs_lists_every_outcome_there_is() -> None:
    rows = re.findall(r"^(none|caller|carrier|bot|gateway)\s+(\S+)", gateway.outcome.__doc__, re.M)
    listed = {(fault, reason) for fault, reason in rows}
    made = {(str(outcome_of(error).fault), outcome_of(error).reason) for error, _, _ in CASES}
    made |= {(str(one.fault), one.reason) for one in (CALLER_LEFT, HUNG_UP, STOPPED, KILLED)}
    assert made <= listed


def test_blame_is_named_only_where_there_is_any() -> None:
    assert str(CALLER_LEFT) == "caller-left"
    assert str(KILLED) == "gateway/killed"


def test_a_row_that_failed_is_the_bots_fault() -> None:
    assert str(outcome_at("engine-error")) == "bot/engine-error"
    assert str(outcome_at("decayed")) == "bot/decayed"
    assert str(outcome_at("goodbye")) == "goodbye"

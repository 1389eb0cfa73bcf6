"""How a call ended, and whose fault it was. Exceptions say what broke; this says how it ended.

======== ==================== ================================================================
fault    reason               meaning
======== ==================== ================================================================
none     caller-left          the caller hung up, or the recording ended
none     goodbye              the bot said goodbye and hung up
none     hung-up              somebody ended the call through the HTTP interface
none     transfer             the caller was handed over to a person
none     no-input             the caller said nothing for long; the bot took its leave
none     longest-call         the call reached its longest allowed time
caller   media-silent         nothing came from the caller's side
caller   ice-failed           no connection to the caller's browser came about
carrier  rejected             the far end did not take the call
carrier  no-answer            the far end was called, and nobody answered
carrier  signalling-lost      the signalling channel broke
carrier  leg-failed           the far end, or the way to it, failed otherwise
bot      engine-lost          the engine raised, hung, or its process died
bot      engine-error         the engine failed in this call alone, apologised and hung up
bot      decayed              the model babbled, looped or fell silent again and again
bot      no-free-seat         every seat was taken
gateway  stopped              the gateway was stopped while the call ran
gateway  killed               the gateway died while the call ran; finished at the next start
gateway  sip-worker-lost      the process that carried the call died or hung
gateway  no-recording         the call could not be recorded, so it was not answered
gateway  unexpected           our bug
======== ==================== ================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.errors import BotError, NoFreeSlot
from gateway.errors import (
    CallerGone,
    IceFailed,
    InputError,
    LegBroken,
    LegError,
    MediaSilent,
    NoAnswer,
    Rejected,
    SignallingLost,
    WorkerLost,
)
from media.errors import RecorderBehind


class Fault(StrEnum):
    """Whose fault an ending was."""

    NONE = "none"
    CALLER = "caller"
    CARRIER = "carrier"
    BOT = "bot"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``reason`` is a short slug: metric label, last timeline line, SIP status."""

    fault: Fault
    reason: str

    def __str__(self) -> str:
        return self.reason if self.fault is Fault.NONE else f"{self.fault}/{self.reason}"


CALLER_LEFT = Outcome(Fault.NONE, "caller-left")
HUNG_UP = Outcome(Fault.NONE, "hung-up")
STOPPED = Outcome(Fault.GATEWAY, "stopped")
KILLED = Outcome(Fault.GATEWAY, "killed")
FAILURES = ("engine-error", "decayed")
"""Reasons for which an engine ends a call that it could not carry on."""


def outcome_at(reason: str) -> Outcome:
    """How a call ended that the bot's side brought to its end, for the reason it gave."""
    return Outcome(Fault.BOT if reason in FAILURES else Fault.NONE, reason)


def outcome_of(error: BaseException) -> Outcome:
    """The one map from exception to outcome."""
    match error:
        case NoFreeSlot():
            return Outcome(Fault.BOT, "no-free-seat")
        case BotError():
            return Outcome(Fault.BOT, "engine-lost")
        case MediaSilent():
            return Outcome(Fault.CALLER, "media-silent")
        case IceFailed():
            return Outcome(Fault.CALLER, "ice-failed")
        case NoAnswer():
            return Outcome(Fault.CARRIER, "no-answer")
        case Rejected():
            return Outcome(Fault.CARRIER, "rejected")
        case SignallingLost():
            return Outcome(Fault.CARRIER, "signalling-lost")
        case CallerGone():
            return CALLER_LEFT
        case WorkerLost():
            return Outcome(Fault.GATEWAY, "sip-worker-lost")
        case LegBroken():
            return Outcome(Fault.GATEWAY, "unexpected")
        case LegError() | InputError():  # of a replay the recording is the far end
            return Outcome(Fault.CARRIER, "leg-failed")
        case RecorderBehind():
            return Outcome(Fault.GATEWAY, "no-recording")
    return Outcome(Fault.GATEWAY, "unexpected")

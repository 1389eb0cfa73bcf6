"""What can go wrong around a call: configuration, inputs, legs."""

from __future__ import annotations

from media.errors import ParleyError


class GatewayError(ParleyError):
    """Calls and the process."""


class ConfigError(GatewayError):
    """Configuration, a persona or a manifest that cannot be used. Exit code 2.

    ``path`` is the key or ``file:line``; ``remedy`` says what to do, often the nearest name.
    """

    def __init__(self, *, path: str, what: str, remedy: str = "") -> None:
        self.path, self.what, self.remedy = path, what, remedy
        super().__init__(f"{path}: {what}" + (f"; {remedy}" if remedy else ""))


class InputError(GatewayError):
    """An input file that cannot be replayed or scored. Exit code 1; the others still run."""

    def __init__(self, *, where: str, what: str, remedy: str = "") -> None:
        self.where, self.what, self.remedy = where, what, remedy
        super().__init__(f"{where}: {what}" + (f"; {remedy}" if remedy else ""))


class PortTaken(GatewayError):
    """Somebody else listens there already, or the address is none of ours. Exit code 1."""

    def __init__(self, *, key: str, where: str, why: str) -> None:
        self.key, self.where, self.why = key, where, why
        super().__init__(f"{key}: cannot listen on {where}: {why}; free it, or give another {key}")


class CannotKeep(GatewayError):
    """Nothing can be written where calls are to be kept. Exit code 1."""

    def __init__(self, *, key: str, where: str, why: str) -> None:
        self.key, self.where, self.why = key, where, why
        super().__init__(f"{key}: cannot write in {where}: {why}; give another {key}")


class PartMissing(GatewayError):
    """Something that must be installed for this is not. Exit code 1."""

    def __init__(self, *, part: str, why: str, remedy: str) -> None:
        self.part, self.why, self.remedy = part, why, remedy
        super().__init__(f"{part}: {why}; {remedy}")


class CallFailed(GatewayError):
    """A call that was asked for did not come about, or did not end well. Exit code 1."""

    def __init__(self, *, to: str, why: str) -> None:
        self.to, self.why = to, why
        super().__init__(f"{to}: {why}")


class IllegalTransition(GatewayError):
    """A call was asked to go where it cannot go from where it is: our bug."""

    def __init__(self, *, call_id: str, was: str, to: str) -> None:
        self.call_id, self.was, self.to = call_id, was, to
        super().__init__(f"call {call_id}: cannot go from {was} to {to}")


class LegError(GatewayError):
    """The far end, or the way to it."""

    def __init__(self, *, leg: str, why: str) -> None:
        self.leg, self.why = leg, why
        super().__init__(f"{leg}: {why}")


class Rejected(LegError):
    """The far end did not take the call. ``code`` is SIP's status, 0 where there is none."""

    def __init__(self, *, leg: str, why: str, code: int = 0) -> None:
        self.code = code
        super().__init__(leg=leg, why=why)


class NoAnswer(Rejected):
    """The far end was called for as long as it may be, and nobody answered."""


class MediaSilent(LegError):
    """Nothing came from the far end for too long."""


class IceFailed(LegError):
    """No connection to a browser came about."""


class SignallingLost(LegError):
    """The signalling channel is gone."""


class CallerGone(LegError):
    """The caller gave up before the call was answered."""


class LegBroken(LegError):
    """Our own code for the far end failed: a bug."""


class WorkerLost(LegError):
    """The process that carried the call is gone, or hangs."""

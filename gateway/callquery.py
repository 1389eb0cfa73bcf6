"""Which of the calls that are over are asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class CallQuery:
    """The newest ``most`` calls that fit all that is said; what is ``None`` says nothing.

    A call's id begins with the second of its birth, in UTC, so a time is the beginning of an id
    (``instant``): ``since`` is the first that may be in, ``until`` and ``before`` are the first
    that may not.
    """

    most: int
    before: str | None = None
    since: str | None = None
    until: str | None = None
    leg: str | None = None
    fault: str | None = None
    reason: str | None = None

    @property
    def below(self) -> str | None:
        """All ids that fit are less than this."""
        return min((one for one in (self.before, self.until) if one is not None), default=None)

    def has(self, call_id: str) -> bool:
        """Whether a call of that id is of the time that is asked for."""
        below = self.below
        return (below is None or call_id < below) and (self.since is None or call_id >= self.since)

    def fits(self, call: Mapping[str, Any]) -> bool:
        """Whether ``call``, as ``call.json`` has it, is of the kind that is asked for."""
        ended = call.get("outcome")
        outcome: Mapping[str, Any] = ended if isinstance(ended, dict) else {}
        return (
            self.leg in (None, call.get("leg"))
            and self.fault in (None, outcome.get("fault"))
            and self.reason in (None, outcome.get("reason"))
        )


def instant(time: datetime) -> str:
    """How the ids of calls begin that are born at ``time``, which knows its zone."""
    return f"{time.astimezone(UTC):%Y%m%dT%H%M%SZ}"

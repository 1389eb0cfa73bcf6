"""What ``GET /v1/calls`` was asked for: a page of calls, of all or of some. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from gateway.callfolders import is_call_id
from gateway.callquery import CallQuery, instant
from gateway.http.problem import Problem
from gateway.outcome import Fault

LIMIT, MOST = 50, 200  # calls of a page: if nothing is said, and at most
_WORD = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_KNOWN = ("limit", "before", "since", "until", "leg", "outcome")


def query_of(asked: Mapping[str, str]) -> CallQuery:
    """As the store takes it. Raises ``Problem`` 400 for what makes no sense, misspelt names too."""
    for name in asked:
        if name not in _KNOWN:
            raise Problem(400, f"{name[:50]}: there are {', '.join(_KNOWN)}")
    fault, reason = _outcome(asked.get("outcome"))
    return CallQuery(
        most=_limit(asked.get("limit", str(LIMIT))),
        before=_before(asked.get("before")),
        since=_time("since", asked.get("since")),
        until=_time("until", asked.get("until")),
        leg=_word("leg", asked.get("leg")),
        fault=fault,
        reason=reason,
    )


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST):
        raise Problem(400, f"limit: a number from 1 to {MOST}")
    return int(text)


def _before(text: str | None) -> str | None:
    if text is not None and not is_call_id(text):
        raise Problem(400, "before: the id of a call, as next has it")
    return text


def _time(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        # In a query + is a space, unless it is written as %2B.
        time = datetime.fromisoformat(text.replace(" ", "+"))
        if time.tzinfo is not None:
            return instant(time)
    except (ValueError, OverflowError):
        pass
    raise Problem(400, f"{name}: a time with its zone, as in 2026-11-22T18:00:00Z")


def _word(name: str, text: str | None) -> str | None:
    if text is not None and _WORD.fullmatch(text) is None:
        raise Problem(400, f"{name}: small letters, digits and -")
    return text


def _outcome(text: str | None) -> tuple[str | None, str | None]:
    """Fault and reason: ``caller/ice-failed`` is both, ``caller`` the one, ``hung-up`` the other.

    No reason is called as a fault is.
    """
    if text is None:
        return None, None
    fault, slash, reason = text.partition("/")
    if not slash:
        return (fault, None) if fault in set(Fault) else (None, _word("outcome", fault))
    if fault not in set(Fault):
        raise Problem(400, f"outcome: there are the faults {', '.join(Fault)}")
    return fault, _word("outcome", reason)

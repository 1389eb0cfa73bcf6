"""What goes wrong in a callback of a native library: noted, never raised.

An exception that leaves a callback silences every call of the process.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar

logger = logging.getLogger("sip-worker")


class Faults:
    """Exceptions in callbacks: logged at the 1st, 2nd, 4th, 8th … of a kind, never raised."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def note(self, where: str, error: BaseException) -> None:
        self._seen[where] += 1
        times = self._seen[where]
        if times & (times - 1) == 0:
            logger.error("%s (%d times): %s: %s", where, times, type(error).__name__, error)


class _Faulty(Protocol):
    faults: Faults


T = TypeVar("T", bound=_Faulty)


def guarded(callback: Callable[[T, Any], None]) -> Callable[[T, Any], None]:
    """A callback out of which nothing is raised, ``SystemExit`` included."""

    @wraps(callback)
    def call(self: T, parameter: Any) -> None:
        try:
            callback(self, parameter)
        except BaseException as error:
            self.faults.note(callback.__qualname__, error)

    return call

"""Calls in real time: whose frame is due, when to step, and who was late.

A step takes every row whose frame is due. It waits a little for more, but never so long that the
first would be late.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

FRAME_MS = 80.0
FIRST_MS = 199 / 16
"""From a call's beginning to its first frame: see ``mel``."""
RECENT = 50
"""Steps of which the slowest says how long one may take."""


class Clock(Protocol):
    """Milliseconds from any start."""

    def now(self) -> float: ...

    def wait(self, until: float) -> None: ...


class RealClock:
    """The machine's."""

    def now(self) -> float:
        return time.perf_counter() * 1e3

    def wait(self, until: float) -> None:
        time.sleep(max(0.0, until - self.now()) / 1e3)


@dataclass
class Figures:
    """Milliseconds, but for ``rows``."""

    steps: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    """In each of the steps."""
    waited: list[float] = field(default_factory=list)
    """Of each frame, from due until its step began."""
    taken: list[float] = field(default_factory=list)
    """Of each frame, from due to done."""
    first: list[float] = field(default_factory=list)
    """Of each call, from its arrival to its first sound."""

    @property
    def behind(self) -> float:
        """Frames in 10,000 whose step had not begun when the call's next frame was due, too."""
        return _in_10k(self.waited)

    @property
    def late(self) -> float:
        """Frames in 10,000 that were not done when the call's next frame was due."""
        return _in_10k(self.taken)


def _in_10k(times: Sequence[float]) -> float:
    return 1e4 * sum(one > FRAME_MS for one in times) / max(1, len(times))


class Calls:
    """Calls of so many rows in real time; ``begin`` and ``step`` are those of ``Seats``."""

    def __init__(
        self,
        arrivals: Sequence[float],
        *,
        begin: Callable[[int], None],
        step: Callable[[list[int]], None],
        clock: Clock,
        gather_ms: float,
    ) -> None:
        self._arrivals = list(arrivals)
        self._due = [arrival + FIRST_MS for arrival in arrivals]
        self._waiting = sorted(range(len(arrivals)), key=lambda row: arrivals[row])
        self._begin, self._step, self._clock, self._gather = begin, step, clock, gather_ms
        self._recent: deque[float] = deque([0.0], maxlen=RECENT)
        self._heard: set[int] = set()
        self.figures = Figures()

    def run(self, *, ramp_ms: float, until_ms: float) -> Figures:
        """From now on, and until a step was counted; arrivals and bounds are milliseconds from
        here. What comes before ``ramp_ms`` is counted in ``first`` alone."""
        begun = self._clock.now()
        end = begun + until_ms
        self._arrivals = [begun + one for one in self._arrivals]
        self._due = [begun + one for one in self._due]
        while (now := self._clock.now()) < end or not self.figures.steps:
            if self._waiting and self._arrivals[self._waiting[0]] <= now:
                self._begin(self._waiting.pop(0))
                continue
            wake = self._wake(now)
            self._clock.wait(min(wake, end) if self.figures.steps else wake)
            now = self._clock.now()
            if rows := [row for row, due in enumerate(self._due) if due <= now]:
                self._stepped(rows, counts=now >= begun + ramp_ms)
        return self.figures

    def _wake(self, now: float) -> float:
        """When to step: at once, if nobody comes in the time that may be waited."""
        first = min(self._due)
        latest = min(first + self._gather, first + FRAME_MS - max(self._recent))
        comes = [due for due in self._due if now < due <= latest]
        wake = max(first, max(comes, default=now))
        return min([wake, *(self._arrivals[row] for row in self._waiting[:1])])

    def _stepped(self, rows: list[int], *, counts: bool) -> None:
        start = self._clock.now()
        self._step(rows)
        end = self._clock.now()
        self._recent.append(end - start)
        if counts:
            self.figures.steps.append(end - start)
            self.figures.rows.append(len(rows))
        for row in rows:
            if row not in self._heard:
                self._heard.add(row)
                self.figures.first.append(end - self._arrivals[row])
            if counts:
                self.figures.waited.append(start - self._due[row])
                self.figures.taken.append(end - self._due[row])
            self._due[row] += FRAME_MS

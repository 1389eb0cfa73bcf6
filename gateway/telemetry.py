"""Counts and histograms of a serving process, for ``/metrics``.

Labels come from closed lists, or are cut off after ``REASONS`` different ones: what callers and
models say must not be able to fill a monitor's memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from media.frame import MEDIA_RATE
from media.timeline import Entry

REASONS = 64
TALK_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)
FRAME_S = 0.08
"""An answer that takes longer comes when the next frame is due already."""
STEP_S = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.12, 0.2, 0.5)


class Histogram:
    """Cumulative buckets, as Prometheus has them. ``edges`` are upper ends, in seconds."""

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = tuple(edges)
        self._counts = np.zeros(len(edges) + 1, dtype=np.int64)
        self.sum_s = 0.0

    def add(self, values: Sequence[float], *, per_s: int = 1) -> None:
        """Some values at once, for a call's steps are thousands; ``per_s`` of them are a second."""
        values_s = np.asarray(values, dtype=np.float64) / per_s
        places = np.searchsorted(self.edges, values_s, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))
        self.sum_s += float(values_s.sum())

    def above(self, edge: float) -> int:
        """Values above one of the edges."""
        cumulative = self.cumulative
        return cumulative[-1] - cumulative[self.edges.index(edge)]

    @property
    def cumulative(self) -> list[int]:
        """Values up to each edge; the last is of all."""
        return [int(count) for count in np.cumsum(self._counts)]


class Telemetry:
    """Told by the gateway as things happen; nothing here blocks or raises."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()  # by kind of leg
        self.ended: Counter[tuple[str, str]] = Counter()  # by fault and reason
        self.refused: Counter[str] = Counter()  # by reason
        self.gaps = Histogram(TALK_S)
        self.stops = Histogram(TALK_S)
        self.steps = Histogram(STEP_S)
        self.waits = Histogram(STEP_S)

    def refuse(self, reason: str) -> None:
        """An offer was refused."""
        self.refused[reason] += 1

    def fact(self, entry: Entry) -> None:
        """A fact of some call, as it is noted."""
        match entry.type:
            case "offer":
                self.taken[entry.data["leg"]] += 1
            case "cut" if entry.data["onset"] is not None:
                stop = entry.data["heard_until"] - entry.data["onset"]
                self.stops.add([stop], per_s=MEDIA_RATE)
            case "outcome":
                self.end(entry.data["fault"], entry.data["reason"])

    def end(self, fault: str, reason: str) -> None:
        """A call ended. Engines make reasons of their own, so not every one gets a place."""
        known = (fault, reason) in self.ended or len(self.ended) < REASONS
        self.ended[(fault, reason) if known else (fault, "other")] += 1

    def over(
        self, *, gaps: Sequence[int], steps_ms: Sequence[float], waits_ms: Sequence[float] = ()
    ) -> None:
        """What a call measured: gaps in samples at 16 kHz, steps and waits in milliseconds."""
        self.gaps.add(gaps, per_s=MEDIA_RATE)
        self.steps.add(steps_ms, per_s=1000)
        self.waits.add(waits_ms, per_s=1000)

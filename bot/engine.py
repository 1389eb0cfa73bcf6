"""The contract of every engine: one frame in, one frame out, every 80 ms.

Three users shaped it (docs/adr/0005): an embedded cascade on a CPU, a GPU model that advances
many rows in one step and decides barge-in itself, and a remote server at 24 kHz.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from bot.batch import StepBatch, StepResult
from media.frame import MEDIA_RATE, STEP

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What a call must know of an engine.

    ``lead``: how many samples of frame ``k`` (media time) must be in before it may be stepped.
    The frame handed over then *ends* there: it holds media time
    ``[1280 (k-1) + lead, 1280 k + lead)``, with zeros for what lies before the call. ``plan``: why
    there are so many rows, in words, if the engine has found that out.
    """

    name: str
    rate_in: int = MEDIA_RATE
    rate_out: int = MEDIA_RATE
    lead: int = STEP
    width: int = 1
    plan: str = ""

    @property
    def n_in(self) -> int:
        """Samples of one frame at ``rate_in``."""
        return self.rate_in * STEP // MEDIA_RATE

    @property
    def n_out(self) -> int:
        """Samples of one frame at ``rate_out``."""
        return self.rate_out * STEP // MEDIA_RATE


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What is particular to one call: plain data, so that it can cross to another process.

    ``persona`` is the validated persona as plain data (see ``bot.persona``), ``persona_name`` what
    the settings call it, ``facts`` what the
    leg knows of the call (caller, callee, chosen headers), never fed to a prompt unfiltered.
    """

    seed: int = 0
    persona: Mapping[str, Any] = field(default_factory=dict)
    persona_name: str = ""
    system_prompt: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Job(Protocol[T_co]):
    """Work that outlasts a frame."""

    @property
    def ready(self) -> bool:
        """Whether the result may be taken now."""

    def result(self) -> T_co:
        """The result, or the exception the work raised. Only when ``ready``."""


class Jobs(Protocol):
    """Where an engine starts work longer than a frame, so that ``step`` never blocks.

    Live it is a pool of threads in the engine's process; in replay the work runs in place and is
    ready at its start plus its cost.
    """

    def start(self, work: Callable[..., T], *args: object) -> Job[T]:
        """Begin ``work(*args)``; it may run on another thread and must not touch the engine."""


class DuplexEngine(Protocol):
    """Listens and speaks for up to ``spec.width`` calls at once.

    All methods are called from one thread. A fault of one row must stay in that row; what an
    engine raises from ``step`` ends every call it carries.
    """

    @property
    def spec(self) -> EngineSpec:
        """Rates, lead and width; constant for the engine's life."""

    def reset(self, row: int, options: SessionOptions) -> None:
        """Give the row to a new call: nothing of the last tenant may remain. Must not block."""

    def ready(self, row: int) -> bool:
        """Whether the row is warm: prompt prefilled, greeting made. Steps wait until then."""

    def step(self, batch: StepBatch) -> StepResult:
        """Advance every masked row by one frame. Must not block."""

    def release(self, row: int) -> None:
        """The row's call is over; free what only it needed."""

    def close(self) -> None:
        """Free everything. May be called twice."""

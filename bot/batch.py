"""What goes into one step of an engine and what comes out. The width never changes.

Fixed width and a mask, because batch shape changes bits: a row computed alone and in a batch of
eight differ in floating point, a row beside masked neighbours does not (docs/adr/0006).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.facts import EngineEvent, Fact
from media.frame import Pcm


@dataclass(frozen=True, slots=True)
class StepBatch:
    """One frame for every row that is due.

    * ``pcm``: int16 ``[width, n_in]``, the newest 80 ms of each row at ``rate_in``; zeros where
      the mask is off;
    * ``mask``: bool ``[width]``, the rows that step;
    * ``leases``: the tenant of each row, 0 for none;
    * ``at``: media time (16 kHz) of the end of each row's frame;
    * ``facts``: what happened in each row's call since its last step, in order.
    """

    pcm: Pcm
    mask: npt.NDArray[np.bool_]
    leases: tuple[int, ...]
    at: tuple[int, ...]
    facts: tuple[tuple[Fact, ...], ...]


@dataclass(frozen=True, slots=True)
class StepResult:
    """80 ms of bot audio for every row that stepped.

    * ``pcm``: int16 ``[width, n_out]`` at ``rate_out``; silence is handed out as silence;
    * ``events``: what each row said or decided in this step, in order; ``()`` for masked rows.
    """

    pcm: Pcm
    events: tuple[tuple[EngineEvent, ...], ...]


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row of a ``StepResult`` on its way to the call that owns it.

    ``step`` counts the lease's steps from 0: the audio is bot time ``[1280 step, 1280 (step+1))``.
    ``cost_ms`` is what the whole step took, ``waited_ms`` how long the row's frame had been there
    when its answer was; ``None`` where nothing is measured.
    """

    row: int
    lease: int
    step: int
    pcm: Pcm
    events: tuple[EngineEvent, ...]
    cost_ms: float | None = None
    waited_ms: float | None = None

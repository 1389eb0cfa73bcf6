"""How many calls an engine may take: as many as it can step in time and remember, as measured.

A step costs the same whether one row is in it or all, so its time at a width is what every call
gets at that width.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions, VoiceChat
from bot.voicechat.rows import nbytes
from bot.voicechat.seating import FrameIn, Seats

FRAME_MS = 80.0
MARGIN_MS = 20.0
"""Of a frame what is not the step's: the wait for rows that are about to be due, sound and events
to the other process and back, a caller's jitter."""

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)

SHARE = 0.85
"""Of free memory what states may take; the rest is for what a step makes on the way, and for
graphs."""

UNTIMED, TIMED = 5, 100
"""Steps. The first ones load kernels and fill allocators."""

Measure = Callable[[int], Sequence[float]]
"""How long each of some steps took at a width, in milliseconds; ``inf`` where it cannot be."""


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """``seats`` calls at a time; 0 if not even one is stepped in time, or fits.

    ``step_p99_ms`` is what a step of so many takes (0 of none), ``why`` a sentence: what keeps
    the next width from being taken.
    """

    seats: int
    step_p99_ms: float
    bytes_per_seat: int
    why: str


def plan(
    measure: Measure,
    *,
    memory_free: int,
    bytes_per_row: int,
    widths: Sequence[int] = WIDTHS,
    budget_ms: float = FRAME_MS - MARGIN_MS,
) -> SeatPlan:
    """The greatest of ``widths`` (ascending) at which 99 of 100 steps are within ``budget_ms``.

    Widths are measured in their order up to the first that is over the budget. Where memory ends
    between two of them, so many rows as fit are tried, too.
    """
    fits = memory_free // bytes_per_row
    last = SeatPlan(0, 0.0, bytes_per_row, f"{widths[-1]} are as many as were tried")
    for width in widths:
        tried = min(width, fits)
        if tried > last.seats:
            p99 = percentile(measure(tried))
            if p99 > budget_ms:
                return _ended(last, _slow(tried, p99, budget_ms))
            last = SeatPlan(tried, p99, bytes_per_row, last.why)
        if tried < width:
            return _ended(last, _full(width, width * bytes_per_row, memory_free))
    return last


def percentile(times_ms: Sequence[float]) -> float:
    """The 99th in a hundred, of few times the slowest: never a mean of two."""
    return float(np.percentile(np.asarray(times_ms), 99, method="higher"))


def measured(
    model: VoiceChat,
    *,
    length: int,
    clock: Callable[[], float],
    graphs: bool = False,
    memory: int | None = None,
    widths: Sequence[int] = WIDTHS,
    budget_ms: float = FRAME_MS - MARGIN_MS,
    steps: int = TIMED,
) -> SeatPlan:
    """``plan`` for calls of at most ``length`` frames by timing the model, all rows due.

    To be called within the precision of calls, before states are made. What is timed reads all of
    its memory, as a call in its last frames does.

    Args:
        model: on its device, in no call.
        length: of a row, its prompt's positions included.
        clock: seconds, from any start.
        graphs: as the engine's ``Seats`` will have them.
        memory: bytes that states may take; a share of what is free if None.
        widths: to be tried, ascending.
        budget_ms: see ``plan``.
        steps: timed at each width.
    """
    row = nbytes(model.new_state(1, length))
    free = int(SHARE * free_memory(model.device)) if memory is None else memory

    def measure(width: int) -> list[float]:
        try:
            return step_times(
                model, rows=width, length=length, clock=clock, graphs=graphs, steps=steps
            )
        except torch.OutOfMemoryError:
            return [float("inf")]
        finally:
            _give_back(model.device)

    return plan(measure, memory_free=free, bytes_per_row=row, widths=widths, budget_ms=budget_ms)


def step_times(
    model: VoiceChat,
    *,
    rows: int,
    length: int,
    clock: Callable[[], float],
    graphs: bool = False,
    steps: int = TIMED,
) -> list[float]:
    """Milliseconds of ``steps`` steps in which every row is due, from numpy to numpy."""
    seats = Seats(model, rows=rows, length=length, graphs=graphs)
    rng, prepared = np.random.default_rng(rows), model.prepared(CallOptions(), length)
    noise = (0.1 * rng.standard_normal((rows, FRAME))).astype(np.float32)
    frames = {row: FrameIn(pcm) for row, pcm in enumerate(noise)}
    taken = []
    for turn in range(UNTIMED + steps):
        if turn == 0 or seats.used(0) == length:
            for row in frames:
                seats.begin(row, prepared)
        start = clock()
        seats.step(frames)
        taken.append((clock() - start) * 1e3)
    return taken[UNTIMED:]


def free_memory(device: torch.device) -> int:
    """Bytes that ``device`` has left; of a CPU what the system calls available."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _give_back(device: torch.device) -> None:
    """What one width took is there for the next; graphs and their states hold each other."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _ended(found: SeatPlan, why: str) -> SeatPlan:
    return SeatPlan(found.seats, found.step_p99_ms, found.bytes_per_seat, why)


def _slow(width: int, p99: float, budget_ms: float) -> str:
    if p99 == float("inf"):
        return f"{width} ran out of memory when stepped"
    return f"a step of {width} takes {p99:.1f} ms (p99), more than {budget_ms:.0f}"


def _full(width: int, wanted: int, free: int) -> str:
    return f"{width} need {wanted / 1e9:.2f} GB of memory, and {free / 1e9:.2f} are free"

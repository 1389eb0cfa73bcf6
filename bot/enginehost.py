"""Inside the engine's process: take frames, step, send results. Ends when the pipe does."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from bot.batch import RowResult
from bot.engine import DuplexEngine, Jobs
from bot.errors import BotError, EngineFault
from bot.pool import PoolJobs
from bot.scheduler import Scheduler
from bot.slots import Lease
from media.clock import perf

WARMING_S = 0.02  # how often rows that are being prefilled are looked at


def host(pipe: Connection[Any, Any], build: Callable[[Jobs], DuplexEngine]) -> None:
    """Run one engine until the other end closes or sends ``None``."""
    # Ctrl-C goes to the whole group, and a service's SIGTERM to all its processes: the gateway
    # drains first and then closes the pipe.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    jobs = PoolJobs()
    try:
        try:
            scheduler = Scheduler(build(jobs))
        except Exception as error:  # told to the gateway, which owns the message
            pipe.send(("lost", _portable(error)))
            return
        pipe.send(("ready", scheduler.engine.spec))
        with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
            _serve(pipe, scheduler)
        scheduler.engine.close()
    finally:
        jobs.close()


class Arrivals:
    """When frames came in, until they are answered; of frames that were dropped until the call is
    over."""

    def __init__(self) -> None:
        self._came: dict[tuple[int, int], dict[int, float]] = {}

    def note(self, lease: Lease, step: int, now: float) -> None:
        """Frame ``step`` of a call is there."""
        self._came.setdefault((lease.row, lease.number), {})[step] = now

    def waited_ms(self, result: RowResult, now: float) -> float | None:
        """How long the frame of this answer has waited for it."""
        came = self._came.get((result.row, result.lease), {}).pop(result.step, None)
        return None if came is None else (now - came) * 1000

    def forget(self, lease: Lease) -> None:
        """The call is over."""
        self._came.pop((lease.row, lease.number), None)


def _serve(pipe: Connection[Any, Any], scheduler: Scheduler) -> None:
    warming: list[Lease] = []
    arrivals = Arrivals()
    while True:
        # Take all that has come, then step once: rows that are due together step together.
        while pipe.poll(0 if scheduler.due else WARMING_S if warming else None):
            message = pipe.recv()
            if message is None:
                return
            _obey(message, pipe, scheduler, warming)
            match message:
                case ("frame", lease, frame):
                    arrivals.note(lease, frame.step, perf())
                case ("close", lease, _):
                    arrivals.forget(lease)
        for lease in [lease for lease in warming if scheduler.engine.ready(lease.row)]:
            warming.remove(lease)
            pipe.send(("opened", lease, None))
        if not scheduler.due:
            continue
        began = perf()
        try:
            _, results = scheduler.step()
        except Exception as error:
            pipe.send(("lost", _portable(error)))
            return
        now = perf()
        cost_ms = (now - began) * 1000
        timed = [
            replace(one, cost_ms=cost_ms, waited_ms=arrivals.waited_ms(one, now)) for one in results
        ]
        pipe.send(("results", timed))


def _obey(
    message: tuple[Any, ...],
    pipe: Connection[Any, Any],
    scheduler: Scheduler,
    warming: list[Lease],
) -> None:
    kind, lease, body = message
    match kind:
        case "frame":
            scheduler.submit(lease, body)
        case "open":
            try:
                scheduler.open(lease, body)
            except Exception as error:
                pipe.send(("opened", lease, _portable(error)))
            else:
                warming.append(lease)
        case "close":
            if lease in warming:
                warming.remove(lease)
            scheduler.close(lease)


def _portable(error: Exception) -> BotError:
    if isinstance(error, BotError):
        return error
    return EngineFault(engine="process", why=f"{type(error).__name__}: {error}")

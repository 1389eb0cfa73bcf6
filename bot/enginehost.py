"""Inside the engine's process: take frames, step, send results. Ends when the pipe does."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

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


def _serve(pipe: Connection[Any, Any], scheduler: Scheduler) -> None:
    warming: list[Lease] = []
    while True:
        # Take all that has come, then step once: rows that are due together step together.
        while pipe.poll(0 if scheduler.due else WARMING_S if warming else None):
            message = pipe.recv()
            if message is None:
                return
            _obey(message, pipe, scheduler, warming)
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
        cost_ms = (perf() - began) * 1000
        pipe.send(("results", [replace(result, cost_ms=cost_ms) for result in results]))


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

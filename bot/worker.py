"""The live stepper: one spawned process owns the engine, so that media never waits for a model.

::

    loop ── seat.submit ─► queue ─► sender thread ─► pipe ─► process: scheduler.step
    loop ◄─ deliver ◄── Handoff ◄── reader thread ◄── pipe ◄──┘   jobs: a pool of threads there

The process is spawned, not forked: a fork would copy locks held by other threads. It ends when
its pipe does, so a gateway that dies leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import multiprocessing
import queue
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeAlias

from bot.batch import RowResult
from bot.engine import DuplexEngine, EngineSpec, Jobs, SessionOptions
from bot.enginehost import host
from bot.errors import BotError, EngineFault
from bot.scheduler import Frame
from bot.slots import Lease, Slots
from bot.stepper import Deliver, Seat
from media.handoff import Handoff

Build: TypeAlias = Callable[[Jobs], DuplexEngine]
"""Must be picklable: a module-level function or a ``functools.partial`` of one."""

START_S = 120.0  # loading and verifying some 200 MB of weights on a slow disk
OPEN_S = 30.0  # prefilling one row
GRACE_S = 3.0  # for the engine to free its device, before its process is killed
STALL_S = 5.0  # frames unanswered for so long mean that the engine hangs
OUTBOX = 512  # messages; some 10 s of frames at four calls


class _WorkerSeat:
    def __init__(self, stepper: WorkerStepper, lease: Lease) -> None:
        self._stepper, self._lease = stepper, lease

    def submit(self, frame: Frame) -> None:
        self._stepper.post("frame", self._lease, frame)
        self._stepper.watch()

    def close(self) -> None:
        self._stepper.leave(self._lease)


class WorkerStepper:
    """An engine in a process of its own, which may take ``start_s`` until it is warm."""

    def __init__(self, build: Build, *, name: str, start_s: float = START_S) -> None:
        self._build, self._name, self._start_s = build, name, start_s
        self._spec: EngineSpec | None = None
        self._slots = Slots(0, engine=name)
        self._deliver: dict[Lease, Deliver] = {}
        self._opening: dict[Lease, asyncio.Future[None]] = {}
        self._outbox: queue.Queue[tuple[Any, ...] | None] = queue.Queue(OUTBOX)
        self._fault: BotError | None = None
        self._asked: float | None = None  # loop time of the oldest frame since the last answer
        self._threads: list[threading.Thread] = []
        self._process: SpawnProcess | None = None
        self._ready: asyncio.Future[EngineSpec] | None = None

    @property
    def spec(self) -> EngineSpec:
        if self._spec is None:
            raise EngineFault(engine=self._name, why="not started")
        return self._spec

    @property
    def free(self) -> int:
        return self._slots.free if self._fault is None else 0

    @property
    def fault(self) -> BotError | None:
        return self._fault

    @property
    def pid(self) -> int | None:
        """Of the engine's process, once there is one."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Spawn the process and wait until the engine is warm. Raises ``BotError``."""
        loop = asyncio.get_running_loop()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe(duplex=True)
        self._process = context.Process(
            target=host, args=(theirs, self._build), name=f"parley-{self._name}", daemon=True
        )
        self._ready = loop.create_future()
        self._inbox: Handoff[tuple[Any, ...]] = Handoff(loop, self._receive, limit=4096)
        await asyncio.to_thread(self._process.start)
        # Whoever forgets ``close`` still exits: multiprocessing says SIGTERM, which is ignored
        # there, and then waits.
        atexit.register(self._process.kill)
        theirs.close()
        for work in (self._read, self._send):
            thread = threading.Thread(target=work, name=f"{self._name}-pipe", daemon=True)
            thread.start()
            self._threads.append(thread)
        try:
            async with asyncio.timeout(self._start_s):
                self._spec = await self._ready
        except TimeoutError:
            await self.close()
            why = f"not ready after {self._start_s:.0f} s"
            raise EngineFault(engine=self._name, why=why) from None
        except BaseException:
            await self.close()
            raise
        self._slots = Slots(self._spec.width, engine=self._spec.name)

    async def open(self, options: SessionOptions, deliver: Deliver) -> Seat:
        """Take a seat; returns when the row is prefilled. Raises ``NoFreeSlot``, ``BotError``."""
        if self._fault is not None:
            raise self._fault
        lease = self._slots.open()
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._deliver[lease], self._opening[lease] = deliver, opened
        self.post("open", lease, options)
        try:
            async with asyncio.timeout(OPEN_S):
                await opened
        except TimeoutError:
            self.leave(lease)
            raise EngineFault(engine=self._name, why="no seat within 30 s") from None
        except BaseException:
            self.leave(lease)
            raise
        return _WorkerSeat(self, lease)

    def post(self, kind: str, lease: Lease, body: object = None) -> None:
        """Queue a message for the process. A full queue means that it hangs: every call is told."""
        try:
            self._outbox.put_nowait((kind, lease, body))
        except queue.Full:
            self._lost(EngineFault(engine=self._name, why="does not take frames any more"))

    def watch(self) -> None:
        """A frame was handed over: if none has been answered for long, the engine hangs."""
        now = asyncio.get_running_loop().time()
        self._asked = now if self._asked is None else self._asked
        if now - self._asked > STALL_S:
            self._lost(EngineFault(engine=self._name, why=f"no step for {STALL_S:.0f} s"))

    def leave(self, lease: Lease) -> None:
        """End a tenancy."""
        if self._deliver.pop(lease, None) is None:
            return
        self._opening.pop(lease, None)
        self._slots.close(lease)
        if self._fault is None:
            self.post("close", lease)

    async def close(self) -> None:
        """Stop process and threads; whoever still has a seat is told."""
        self._lost(EngineFault(engine=self._name, why="stopped"))
        if self._process is None:
            return
        with contextlib.suppress(queue.Empty):  # what waits matters to nobody any more
            while True:
                self._outbox.get_nowait()
        self._outbox.put_nowait(None)
        await asyncio.to_thread(self._reap, self._process)

    def _reap(self, process: SpawnProcess) -> None:
        process.join(GRACE_S)
        if process.is_alive():
            process.kill()
            process.join(GRACE_S)
        atexit.unregister(process.kill)
        self._pipe.close()
        for thread in self._threads:
            thread.join(GRACE_S)

    # -- the two threads -----------------------------------------------------------------------

    def _send(self) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                self._pipe.send(message)
            except OSError:  # the process is gone; the reader says so
                return
        with contextlib.suppress(OSError):
            self._pipe.send(None)

    def _read(self) -> None:
        _pump(self._pipe, self._inbox)

    # -- on the loop ---------------------------------------------------------------------------

    def _receive(self, message: tuple[Any, ...]) -> None:
        match message:
            case ("ready", EngineSpec() as spec):
                if self._ready is not None and not self._ready.done():
                    self._ready.set_result(spec)
            case ("opened", Lease() as lease, error):
                opened = self._opening.pop(lease, None)
                if opened is not None and not opened.done():
                    if error is None:
                        opened.set_result(None)
                    else:
                        opened.set_exception(error)
            case ("results", results):
                self._asked = None
                for result in results:
                    self._hand_out(result)
            case ("lost", why):
                fault = (
                    why
                    if isinstance(why, BotError)
                    else EngineFault(engine=self._name, why=str(why))
                )
                self._lost(fault)

    def _hand_out(self, result: RowResult) -> None:
        deliver = self._deliver.get(Lease(result.row, result.lease))
        if deliver is not None:
            deliver(result)

    def _lost(self, fault: BotError) -> None:
        if self._fault is not None:
            return
        self._fault = fault
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(fault)
        for opened in self._opening.values():
            if not opened.done():
                opened.set_exception(fault)
        for deliver in list(self._deliver.values()):
            deliver(fault)


def _pump(pipe: Connection[Any, Any], inbox: Handoff[tuple[Any, ...]]) -> None:
    """Pass on what the process says until it says no more."""
    while True:
        try:
            inbox.put(pipe.recv())
        except (EOFError, OSError):
            inbox.put(("lost", "its process is gone"))
            return

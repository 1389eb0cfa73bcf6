"""Keeps one SIP worker running: starts it, listens to its heart, starts another when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from gateway.errors import LegError, WorkerLost
from gateway.legs.sipprotocol import Beat, Command, Event, Failed, Ready, Start, Stop
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.sipwire import MESSAGE_BYTES, WireError, decode_event, encode

logger = logging.getLogger(__name__)
WORKER = (sys.executable, "-m", "gateway.legs.sipworker")
START_S = 20.0  # loading the library on a slow disk
SILENCE_S = 5.0  # without a beat, which comes every second
FAINT = 3  # beats in a row without one tick of the media clock
LEAVE_S = 4.0  # for a worker to say BYE to its calls, before it is killed
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
WELL_S = 30.0  # a worker that lived so long was well: the next wait is short again

Receive: TypeAlias = Callable[[Event | WorkerLost], None]
"""Called on the loop with each event, and once with ``WorkerLost`` for each worker that ends."""


class SipSupervisor:
    """One worker at a time, of ``command``. A worker's calls end with it; the next has none.

    ``receive`` must not raise. ``command`` gets a socket's number appended; the settings are
    its first message: on a command line everybody could read the passwords among them.
    """

    def __init__(
        self, settings: WorkerSettings, receive: Receive, *, command: Sequence[str] = WORKER
    ) -> None:
        self._settings, self._receive, self._command = settings, receive, tuple(command)
        self._link: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[Ready] | None = None
        self._over: asyncio.Future[str] | None = None  # why the present worker is given up
        self._keeper: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._faint = 0
        self._workers = 0
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Of the worker, while one runs."""
        return self._process.pid if self._process is not None else None

    @property
    def up(self) -> bool:
        """Whether a worker listens."""
        return self._ready is not None and self._ready.done() and self._link is not None

    async def start(self) -> None:
        """Start a worker, and wait until it listens. Raises ``LegError``."""
        await self._spawn()
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """End the worker, which says BYE to its calls. May be repeated."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        self.send(Stop())
        await self._reap(grace_s=LEAVE_S)

    def send(self, command: Command) -> None:
        """Tell the worker; never blocks. Without a worker nothing happens."""
        if self._link is None:
            return
        try:
            self._link.send(encode(command))
        except BlockingIOError:  # seconds of sound wait already
            self._give_up("does not take messages any more")
        except OSError as error:
            self._give_up(error.strerror or str(error))

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            assert self._over is not None
            began = loop.time()
            why = await self._over
            await self._reap(grace_s=0.0)
            failures = 0 if loop.time() - began >= WELL_S else failures
            logger.error("SIP worker lost: %s", why)
            while True:
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1
                try:
                    await self._spawn()
                except (LegError, OSError) as error:
                    logger.error("%s", error)
                else:
                    self.restarts += 1
                    break

    async def _spawn(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._ready, self._over, self._faint = loop.create_future(), loop.create_future(), 0
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the gateway, which ends calls in order
            )
        except OSError as error:
            ours.close()
            raise LegError(leg="sip", why=f"no worker: {error.strerror}") from None
        finally:
            theirs.close()
        self._link = ours
        self.send(Start(half(self._settings, upper=self._workers % 2 == 1)))
        self._workers += 1
        loop.add_reader(ours.fileno(), self._read)
        over = self._over
        try:
            async with asyncio.timeout(START_S):
                waited: list[asyncio.Future[Any]] = [self._ready, over]
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            self._give_up(f"not ready after {START_S:.0f} s")
        except BaseException:
            await self._reap(grace_s=0.0)
            raise
        if over.done():
            await self._reap(grace_s=0.0)
            raise LegError(leg="sip", why=over.result())
        logger.info("SIP worker %d: %s", self._process.pid, self._ready.result().engine)

    def _read(self) -> None:
        for _ in range(64):  # then it is the others' turn
            if self._link is None:
                return
            try:
                packet = self._link.recv(MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._give_up(error.strerror or str(error))
                return
            if not packet:
                self._give_up("its process ended")
                return
            try:
                self._take(decode_event(packet))
            except WireError as error:
                self._give_up(f"speaks another protocol: {error}")
                return

    def _take(self, event: Event) -> None:
        match event:
            case Ready():
                if self._ready is not None and not self._ready.done():
                    self._ready.set_result(event)
                self._heard()
            case Failed(why=why):
                self._give_up(why)
            case Beat():
                self._faint = 0 if event.pulses else self._faint + 1
                self._heard()
                if self._faint >= FAINT:
                    self._give_up("its media clock stands still")
            case _:
                self._receive(event)

    def _heard(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(SILENCE_S, self._give_up, f"silent for {SILENCE_S:.0f} s")

    def _give_up(self, why: str) -> None:
        """The present worker is of no use any more; its calls are told at once."""
        if self._link is None:
            return
        self._let_go()
        if self._over is not None and not self._over.done():
            self._over.set_result(why)
        self._receive(WorkerLost(leg="sip", why=why))

    def _let_go(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._link is not None:
            asyncio.get_running_loop().remove_reader(self._link.fileno())
            self._link.close()
            self._link = None

    async def _reap(self, *, grace_s: float) -> None:
        process, self._process = self._process, None
        if process is not None:
            try:
                async with asyncio.timeout(grace_s):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._let_go()


def half(settings: WorkerSettings, *, upper: bool) -> WorkerSettings:
    """With one half of the RTP ports: peers of a dead worker still send to the other one."""
    low, high = settings.rtp_port_min, settings.rtp_port_max
    middle = (low + high + 1) // 2 & ~1  # RTP takes the even port, RTCP the odd one after it
    if upper:
        return replace(settings, rtp_port_min=middle)
    return replace(settings, rtp_port_max=middle - 1)

"""A gateway for tests: every call that comes in talks to an engine that echoes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bot.engine import DuplexEngine
from bot.engines.echo import EchoEngine
from bot.inline import InlineStepper
from gateway.call import Call
from gateway.legs.base import Leg
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipsettings import WorkerSettings
from gateway.offers import Offer
from gateway.outcome import Outcome
from media.timeline import Entry
from tests.gateway.calls import call_of, stepper_of


def free_port() -> int:
    """One that is free for UDP and TCP just now."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def hardened() -> bool:
    """Whether the build is ours: the package on PyPI has another name."""
    try:
        return version("pjsua2") >= "2.17"
    except PackageNotFoundError:
        return False


class Exchange:
    """Answers all calls, or as ``refuse`` says; keeps outcomes and folders."""

    def __init__(self, board: SipSwitchboard, stepper: InlineStepper, folder: Path) -> None:
        self.board, self._stepper, self._folder = board, stepper, folder
        self.calls: list[asyncio.Task[Outcome]] = []
        self.offers: list[Offer] = []
        self.refuse: tuple[int, str, int] | None = None
        self.warming_s = 0.0
        self.facts: list[Entry] = []
        self.leg_of: Callable[[Offer], Leg] = lambda offer: offer.leg()
        self._came = asyncio.Event()

    async def run(self) -> None:
        async for offer in self.board.offers():
            self.offers.append(offer)
            await offer.ring()
            if self.refuse is not None:
                code, reason, retry_after_s = self.refuse
                await offer.reject(code, reason=reason, retry_after_s=retry_after_s)
                continue
            task = asyncio.get_running_loop().create_task(self._call(offer, len(self.calls)))
            self.calls.append(task)
            self._came.set()

    async def _call(self, offer: Offer, number: int) -> Outcome:
        await asyncio.sleep(self.warming_s)
        folder = self._folder / f"call{number}"
        call: Call
        call, _ = call_of(self.leg_of(offer), self._stepper, folder, watch=self.facts.append)
        return await call.run()

    @property
    def seats(self) -> int:
        """The engine's width."""
        return self._stepper.spec.width

    @property
    def seats_free(self) -> int:
        """Of the engine."""
        return self._stepper.free

    async def outcome(self, number: int = 0, *, within_s: float = 10.0) -> str:
        async with asyncio.timeout(within_s):
            while len(self.calls) <= number:
                self._came.clear()
                await self._came.wait()
            return str(await self.calls[number])

    def folder(self, number: int = 0) -> Path:
        return self._folder / f"call{number}"


@asynccontextmanager
async def exchange(
    folder: Path, *, settings: WorkerSettings, engine: DuplexEngine | None = None
) -> AsyncIterator[Exchange]:
    """One that listens; at the end it is closed, and no call is left."""
    stepper = await stepper_of(engine or EchoEngine(width=8))
    board = SipSwitchboard(settings)
    await board.start()
    here = Exchange(board, stepper, folder)
    running = asyncio.get_running_loop().create_task(here.run())
    try:
        yield here
    finally:
        await board.close()
        await running
        if here.calls:
            await asyncio.wait(here.calls, timeout=10)
        await stepper.close()

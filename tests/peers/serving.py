"""``parley serve`` as a process of its own, as its users start it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from tests.gateway.calls import summary
from tests.peers.exchange import free_port

START_S, STOP_S = 60.0, 20.0


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that takes calls. ``log`` has its standard error, ``root`` its calls' folders.

    ``url`` is of its HTTP server, ``port`` of its SIP.
    """

    port: int
    root: Path
    log: Path
    url: str = ""

    def folders(self) -> list[Path]:
        """Of calls, in the order in which they came."""
        return sorted(self.root.glob("*/*/*/*"))

    async def ended(self, number: int = 0, *, within_s: float = 10.0) -> Path:
        """The folder of a call that is complete."""
        async with asyncio.timeout(within_s):
            while len(done := [one for one in self.folders() if _done(one)]) <= number:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return done[number]


def _done(folder: Path) -> bool:
    return (folder / "call.json").exists() and bool(summary(folder))


@asynccontextmanager
async def served(
    folder: Path,
    *overrides: str,
    within: Sequence[str] = (),
    env: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Served]:
    """One that listens; at the end it is stopped by SIGTERM, and must leave with 0.

    ``within`` is what stands before its command (``apart``), ``env`` what its environment has more.
    """
    async with started(folder, *overrides, within=within, env=env) as (here, process):
        yield here
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S):
            code = await process.wait()
        assert code == 0, here.log.read_text(encoding="utf-8")


@asynccontextmanager
async def started(
    folder: Path,
    *overrides: str,
    within: Sequence[str] = (),
    env: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[tuple[Served, asyncio.subprocess.Process]]:
    """One that listens, and its process: killed at the end, if it has not ended before."""
    here = Served(free_port(), folder / "calls", folder / "serve.log")
    command = [*within, sys.executable, "-m", "gateway", "serve"]
    command += [f"sip.port={here.port}", "http.port=0"]
    command += [f"recording.dir={here.root}", "drain.seconds=1", *overrides]
    with here.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=log, env={**os.environ, **env}
        )
    try:
        url = await _ready(process, here)
        yield replace(here, url=url), process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process, here: Served) -> str:
    """Its address, once it says so."""
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        while not (line := await process.stdout.readline()).startswith(b"health: "):
            assert line, here.log.read_text(encoding="utf-8")
    return line.removeprefix(b"health: ").removesuffix(b"/readyz\n").decode().strip()

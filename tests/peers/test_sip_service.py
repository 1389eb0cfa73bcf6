"""``parley serve`` as a service: its workers die, its manager stops it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.gateway.calls import check, summary
from tests.peers.exchange import free_port
from tests.peers.softphone import Softphone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]


@dataclass(frozen=True)
class Service:
    """One that runs. ``http`` is the port of ``/readyz``."""

    process: asyncio.subprocess.Process
    http: int
    sip: int

    def children(self, what: str) -> list[int]:
        """Its processes whose command line holds ``what``."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _parent(entry) == self.process.pid:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if what in line:
                    found.append(int(entry.name))
        return found

    async def ready(self) -> tuple[int, str]:
        """The status of ``/readyz``, and what it says."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http)
        writer.write(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return int(head.split()[1]), json.loads(body)["status"]

    async def until_ready(self, status: str, *, within_s: float = 15.0) -> None:
        """Wait until ``/readyz`` says so."""
        async with asyncio.timeout(within_s):
            while (await self.ready())[1] != status:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


@asynccontextmanager
async def service(root: Path, *words: str) -> AsyncIterator[Service]:
    sip, http = free_port(), free_port()
    command = [sys.executable, "-m", "gateway", "serve", f"sip.port={sip}", f"http.port={http}"]
    command += [f"recording.dir={root}", "drain.seconds=20", *words]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while not (await process.stdout.readline()).startswith(b"health:"):
                assert process.returncode is None
        yield Service(process, http, sip)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def test_readiness_follows_the_workers(tmp_path: Path) -> None:
    async with service(tmp_path, "bot=echo", "sip.workers=2") as it:
        assert await it.ready() == (200, "ready")
        workers = it.children("sipworker")
        assert len(workers) == 2
        os.kill(workers[1], signal.SIGKILL)
        await it.until_ready("not-listening")
        await it.until_ready("ready")
        now = it.children("sipworker")
        assert len(now) == 2
        assert workers[1] not in now


async def test_a_signal_to_all_its_processes_lets_calls_end(tmp_path: Path) -> None:
    async with service(tmp_path, "bot=embedded") as it:
        phone = await Softphone(("127.0.0.1", it.sip)).open()
        await phone.connect()
        await asyncio.sleep(1)
        everybody = [it.process.pid, *it.children("")]
        assert len(everybody) >= 3  # the gateway, the engine, the SIP worker
        for pid in everybody:
            os.kill(pid, signal.SIGTERM)
        await asyncio.sleep(1)
        came = len(phone.arrivals)
        await asyncio.sleep(1)
        assert len(phone.arrivals) > came + 25
        assert (await it.ready())[1] == "draining"
        phone.bye()
        await phone.until(200, method="BYE")
        async with asyncio.timeout(20):
            assert await it.process.wait() == 0
        assert _reason(tmp_path) == "caller-left"
        await phone.close()


def _reason(root: Path) -> str:
    (folder,) = root.glob("*/*/*/*")
    check(folder)
    return str(summary(folder)["outcome"]["reason"])

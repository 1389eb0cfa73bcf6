"""A TURN server for tests: Debian's coturn."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.serveconfig import TlsConfig
from tests.peers.exchange import free_port

USER, PASSWORD, SECRET = "parley", "open-sesame", "a secret shared with the server"
REALM = "parley.example"


def has_coturn() -> bool:
    """Whether it is installed."""
    return shutil.which("turnserver") is not None


@dataclass(frozen=True, slots=True)
class Coturn:
    """One that answers at ``host`` and ``port``, by UDP and TCP."""

    host: str
    port: int
    process: asyncio.subprocess.Process
    _log: Path

    @property
    def log(self) -> str:
        """What it said of itself."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def url(self, *, transport: str = "udp") -> str:
        """``transport``: ``udp``, ``tcp`` or ``tls``."""
        if transport == "tls":
            return f"turns:{self.host}:{self.port}"
        return f"turn:{self.host}:{self.port}?transport={transport}"


@asynccontextmanager
async def coturn(
    folder: Path, *, host: str, secret: bool = False, tls: TlsConfig | None = None
) -> AsyncIterator[Coturn]:
    """It keeps nothing, knows ``USER`` and ``PASSWORD``, or with ``secret`` names that run out.

    ``folder`` is there and its own.
    """
    port = free_port()
    command = ["turnserver", "-n", "-L", host, "-E", host, "-p", str(port), "-r", REALM]
    command += ["--no-dtls", "--no-cli", "--no-rfc5780", "--fingerprint"]
    command += ["--log-file", "stdout", "--pidfile", str(folder / "pid"), "-v"]
    command += ["--userdb", str(folder / "users"), "--min-port=50000", "--max-port=50999"]
    if tls is not None:  # at the same port as plain TCP
        command += [f"--cert={tls.cert}", f"--pkey={tls.key}"]
    else:
        command += ["--no-tls"]
    if secret:
        command += ["--use-auth-secret", f"--static-auth-secret={SECRET}"]
    else:
        command += ["--lt-cred-mech", "--user", f"{USER}:{PASSWORD}"]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    here = Coturn(host, port, process, folder / "log")
    try:
        await _listening(here)
        yield here
    finally:
        if process.returncode is None:
            process.kill()  # it takes seconds over a polite end
            await process.wait()


async def _listening(here: Coturn) -> None:
    async with asyncio.timeout(10):
        while True:
            assert here.process.returncode is None, here.log
            try:
                _, writer = await asyncio.open_connection(here.host, here.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

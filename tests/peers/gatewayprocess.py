"""A gateway in a process of its own, to be killed: ``FOLDER SETTINGS``; says ``ready``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.legs.sipprotocol import Start
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.sipwire import decode_command
from tests.peers.exchange import exchange


async def main(folder: Path, settings: WorkerSettings) -> None:
    async with exchange(folder, settings=settings):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    told = decode_command(sys.argv[2].encode())
    assert isinstance(told, Start)
    asyncio.run(main(Path(sys.argv[1]), told.settings))

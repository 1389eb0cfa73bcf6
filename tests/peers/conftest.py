"""A gateway whose calls are echoed, and a telephone; a module says with which ``settings``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.legs.sipsettings import WorkerSettings
from tests.peers.exchange import Exchange, exchange
from tests.peers.softphone import Softphone


@pytest.fixture
async def gateway(tmp_path: Path, settings: WorkerSettings) -> AsyncIterator[Exchange]:
    async with exchange(tmp_path, settings=settings) as here:
        yield here


@pytest.fixture
async def phone(gateway: Exchange, settings: WorkerSettings) -> AsyncIterator[Softphone]:
    one = await Softphone(("127.0.0.1", settings.port)).open()
    yield one
    await one.close()

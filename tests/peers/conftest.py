"""A gateway whose calls are echoed, and a telephone; a module says with which ``settings``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.legs.sipsettings import WorkerSettings
from tests.peers.exchange import Exchange, exchange
from tests.peers.network import leave_for_own
from tests.peers.softphone import Softphone

# They drive a browser through it.
collect_ignore_glob = [] if find_spec("playwright") else ["test_chromium*.py"]


def pytest_configure() -> None:
    """What runs side by side (pytest-xdist) runs apart."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        leave_for_own()


@pytest.fixture
async def gateway(tmp_path: Path, settings: WorkerSettings) -> AsyncIterator[Exchange]:
    async with exchange(tmp_path, settings=settings) as here:
        yield here


@pytest.fixture
async def phone(gateway: Exchange, settings: WorkerSettings) -> AsyncIterator[Softphone]:
    one = await Softphone(("127.0.0.1", settings.port)).open()
    yield one
    await one.close()

"""Calls that come and go, one after another or many at once: nothing of them stays behind."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bot.engines.echo import EchoEngine
from gateway.legs.sipsettings import WorkerSettings
from media.clock import LoopClock
from tests.gateway.calls import check, summary
from tests.peers.aftermath import nobody_left, still_well
from tests.peers.counts import count
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.softphone import Softphone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(not hardened(), reason="the wheel has four places"),
]
SILENCE_S = 2.0
TOGETHER = 20
WARM = 10  # calls after which threads, pools and caches are what they will be
SETTLED_S = 40.0  # transactions are kept for 32 s after their end


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), calls=256, media_timeout_s=SILENCE_S)


@pytest.fixture
async def gateway(tmp_path: Path, settings: WorkerSettings) -> AsyncIterator[Exchange]:
    async with exchange(tmp_path, settings=settings, engine=EchoEngine(width=TOGETHER)) as here:
        yield here


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process holds. Each socket is a file, so RTP ports are counted with them."""

    files: int
    threads: int
    memory_kb: int


def holdings(pid: int) -> Holdings:
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    return Holdings(
        files=len(list((process / "fd").iterdir())),
        threads=len(list((process / "task").iterdir())),
        memory_kb=pages * os.sysconf("SC_PAGE_SIZE") // 1024,
    )


async def test_short_calls_leave_nothing_behind(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    clock = LoopClock(asyncio.get_running_loop())
    assert gateway.board.pid is not None
    pids = (gateway.board.pid, os.getpid())
    before: list[Holdings] = []
    tasks, threads, grown, began = 0, 0, [], clock.now()
    await still_well(gateway, settings)  # loads what is loaded late
    for number in range(1, 1 + count(20, 500)):
        await short_call(gateway, settings, number)
        gateway.facts.clear()  # kept by the exchange for tests alone
        gateway.offers.clear()
        if number == WARM:
            before, tasks = [holdings(pid) for pid in pids], len(asyncio.all_tasks())
            threads = threading.active_count()
        if clock.now() - began > SETTLED_S:
            grown.append((number, holdings(pids[0]).memory_kb, holdings(pids[1]).memory_kb))
    await still_well(gateway, settings)  # meanwhile the last calls are let go
    await nobody_left(gateway)
    assert len(asyncio.all_tasks()) <= tasks
    assert threading.active_count() <= threads  # the telephone's codecs have native ones besides
    assert holdings(pids[0]).threads <= before[0].threads
    assert gateway.seats_free == gateway.seats
    for was, now in zip(before, map(holdings, pids), strict=True):
        assert now.files <= was.files
        assert now.memory_kb - was.memory_kb < 16_000
    if len(grown) > 100:
        numbers, *memories = np.array(grown, dtype=np.float64).T
        slopes_kb = [float(np.polyfit(numbers, memory, 1)[0]) for memory in memories]
        assert max(slopes_kb) < 8.0, f"worker, gateway: {slopes_kb} kB more with every call"


async def short_call(gateway: Exchange, settings: WorkerSettings, number: int) -> None:
    """Answered, 0.1 s of silence, BYE; its folder is complete."""
    phone = await Softphone(("127.0.0.1", settings.port), name=f"caller{number}").open()
    await phone.connect()
    await asyncio.sleep(0.1)
    phone.bye()
    await phone.until(200, method="BYE")
    assert await gateway.outcome(number) == "caller-left"
    assert summary(gateway.folder(number))["outcome"]["reason"] == "caller-left"
    check(gateway.folder(number))
    await phone.close()


async def test_peers_that_vanish_leave_nothing_behind(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    clock = LoopClock(asyncio.get_running_loop())
    assert gateway.board.pid is not None
    before = holdings(gateway.board.pid)
    for first in range(0, count(20, 200), TOGETHER):
        numbers = range(first, first + TOGETHER)
        server = ("127.0.0.1", settings.port)
        phones = [await Softphone(server, name=f"caller{number}").open() for number in numbers]
        await asyncio.gather(*(phone.connect() for phone in phones))
        await asyncio.sleep(0.5)
        gone = clock.now()
        for phone in phones:
            await phone.close()
        outcomes = [await gateway.outcome(number) for number in numbers]
        assert outcomes == ["caller/media-silent"] * TOGETHER
        assert clock.now() - gone <= SILENCE_S + 2.0
        assert gateway.seats_free == gateway.seats
        for number in numbers:
            check(gateway.folder(number))
    await still_well(gateway, settings)
    assert holdings(gateway.board.pid).files <= before.files

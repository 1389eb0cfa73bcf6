"""Rubbish, by the thousand: it ends nothing, fills nothing, and takes no place from a caller."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.engines.echo import EchoEngine
from gateway.legs.siplog import BURST
from gateway.legs.sipsettings import WorkerSettings
from media.clock import LoopClock
from tests.peers.aftermath import full_house, left_up, nobody_left, still_well
from tests.peers.counts import count
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.fuzz import Fuzzer
from tests.peers.stranger import Liveness, Stranger

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(not hardened(), reason="the wheel dies of it: measured, hence make pjsua2"),
]
CALLS = 24


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), calls=CALLS, media_timeout_s=2.0)


@pytest.fixture(params=["refusing", "answering"])
async def gateway(
    tmp_path: Path, settings: WorkerSettings, request: pytest.FixtureRequest
) -> AsyncIterator[Exchange]:
    async with exchange(tmp_path, settings=settings, engine=EchoEngine(width=CALLS)) as here:
        here.refuse = (486, "Busy Here", 0) if request.param == "refusing" else None
        yield here


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_spoilt_messages_end_nothing(
    gateway: Exchange,
    settings: WorkerSettings,
    transport: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    caplog.set_level(logging.INFO)
    stranger = await Stranger(("127.0.0.1", settings.port)).open(tcp=transport == "TCP")
    async with Liveness(stranger.server) as liveness:
        await pelt(stranger, seed=20_26, messages=count(1_000, 18_000), per_s=count(250, 300))
    assert sum(stranger.codes.values()) > 100, "the rubbish was so bad that nothing came of it"
    record_property("options_p95_ms", round(1_000 * liveness.p95_s, 1))
    assert max(liveness.took_s) < 1.0
    assert not gateway.board.restarts
    for call in await left_up(gateway):  # a hold has no end of its own
        call.cancel()
    await nobody_left(gateway)
    await stranger.close()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) <= 3 * BURST, lines
    assert len(caplog.records) <= 3 * len(gateway.offers) + 10
    await full_house(gateway, settings)
    await still_well(gateway, settings)


async def pelt(stranger: Stranger, *, seed: int, messages: int, per_s: int) -> None:
    """Send so many at that rate; over TCP several at once, cut anywhere, on many connections."""
    fuzzer = Fuzzer(seed, transport="TCP" if stranger.tcp else "UDP")
    stranger.heard = fuzzer.learn
    clock = LoopClock(asyncio.get_running_loop())
    began, sent = clock.now(), 0
    while sent < messages:
        if not stranger.tcp:
            await stranger.send(fuzzer.message(stranger.here))
            sent += 1
        else:
            if sent % 10 < 3:
                await stranger.connect()
            several = [fuzzer.message(stranger.here) for _ in range(3)]
            await stranger.send(*fuzzer.pieces(*several))
            sent += len(several)
        await clock.sleep_until(began + sent / per_s)

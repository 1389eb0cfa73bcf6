"""Requests legal and strange, or illegal: each is answered with sense, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.engines.echo import EchoEngine
from gateway.legs.sipsettings import WorkerSettings
from tests.peers.aftermath import nobody_left, still_well
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.stranger import Liveness, Stranger
from tests.peers.torture import Torture, torture

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(not hardened(), reason="the wheel dies of it: measured, hence make pjsua2"),
]
PLACES = 200  # nobody acknowledges the answers, so each of them keeps its place for five seconds
TOGETHER = 40
PATIENCE_S = 2.0


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), calls=PLACES, media_timeout_s=2.0)


@pytest.fixture(params=["refusing", "answering"])
async def gateway(
    tmp_path: Path, settings: WorkerSettings, request: pytest.FixtureRequest
) -> AsyncIterator[Exchange]:
    async with exchange(tmp_path, settings=settings, engine=EchoEngine(width=PLACES)) as here:
        here.refuse = (486, "Busy Here", 0) if request.param == "refusing" else None
        yield here


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_strange_messages_are_answered_with_sense(
    gateway: Exchange, settings: WorkerSettings, transport: str
) -> None:
    server, wrong = ("127.0.0.1", settings.port), []
    async with Liveness(server) as liveness:
        numbers = range(len(torture(server)))
        for some in (numbers[at : at + TOGETHER] for at in numbers[::TOGETHER]):
            told = await asyncio.gather(*(ask(server, number, transport) for number in some))
            wrong += [f"{case.name}: {code}" for case, code in told if code not in case.answers]
    assert not wrong
    assert max(liveness.took_s) < 1.0
    assert not gateway.board.restarts
    await nobody_left(gateway)
    await still_well(gateway, settings)


async def ask(server: tuple[str, int], number: int, transport: str) -> tuple[Torture, int | None]:
    """Send one of them from an address of its own; how it was answered."""
    stranger = await Stranger(server).open(tcp=transport == "TCP")
    if stranger.tcp:
        await stranger.connect()
    case = torture(stranger.here, transport=transport)[number]
    await stranger.send(case.wire)
    code = await stranger.until(case.call_id, within_s=PATIENCE_S)
    await stranger.close()
    return case, code

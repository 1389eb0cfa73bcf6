"""PyPI's build of pjsua2, for a try on one machine: as many calls as it can, and not one more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gateway.legs.sipsettings import WorkerSettings
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.softphone import RATE, Softphone, pitch, tone

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(hardened(), reason="the hardened build carries more; make test-peers"),
]
CALLS = 4  # compiled into the wheel
HEARD_S = 1.2  # of tone, so that its middle second is whole
MOST_S = 20.0


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), calls=CALLS)


@pytest.fixture
async def gateway(tmp_path: Path, settings: WorkerSettings) -> AsyncIterator[Exchange]:
    async with exchange(tmp_path, settings=settings) as here:
        yield here


async def heard(phone: Softphone) -> None:
    """Until enough of the tone has come back."""
    while np.count_nonzero(np.abs(phone.heard()) > 1_000) < HEARD_S * RATE:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def test_four_calls_are_carried_and_the_fifth_is_refused(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    server = ("127.0.0.1", settings.port)
    async with AsyncExitStack() as undo, asyncio.timeout(MOST_S):
        phones = []
        for number in range(CALLS + 1):
            phone = await Softphone(server, name=f"caller{number}").open()
            undo.push_async_callback(phone.close)
            phones.append(phone)
        *carried, refused = phones
        for number, phone in enumerate(carried):
            phone.to_say = tone(800 + 100 * number, seconds=MOST_S)
            await phone.connect()
        refused.invite()
        await refused.until(486)
        assert len(gateway.offers) == CALLS
        for number, phone in enumerate(carried):
            await heard(phone)
            assert pitch(phone.heard()) == pytest.approx(800 + 100 * number, abs=1)
        for number, phone in enumerate(carried):
            phone.bye()
            await phone.until(200, method="BYE")
            assert await gateway.outcome(number) == "caller-left"
    assert gateway.board.restarts == 0

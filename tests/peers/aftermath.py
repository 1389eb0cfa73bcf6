"""Whether a gateway is none the worse for what it went through."""

from __future__ import annotations

import asyncio

import pytest

from gateway.legs.sipsettings import WorkerSettings
from gateway.outcome import Outcome
from tests.peers.exchange import Exchange
from tests.peers.softphone import Softphone, pitch, tone

LET_GO_S = 12.0  # an answer that is never acknowledged is withdrawn after five
GONE_S = 45.0  # a BYE that nobody answers is sent for 32 s (RFC 3261, timer F), and keeps its place


async def still_well(gateway: Exchange, settings: WorkerSettings) -> None:
    """A call comes through, to the worker that was there from the start."""
    assert gateway.board.restarts == 0
    gateway.refuse = None
    phone = await Softphone(("127.0.0.1", settings.port), name="next").open()
    await phone.connect()
    phone.to_say = tone(1_000, seconds=2)
    await asyncio.sleep(2.5)
    phone.bye()
    await phone.until(200, method="BYE")
    assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)
    await phone.close()


async def nobody_left(gateway: Exchange) -> None:
    """Every call that was taken has ended by itself, within ``LET_GO_S``."""
    up = await left_up(gateway)
    assert not up, f"{len(up)} of {len(gateway.calls)} calls are still up"
    assert gateway.seats_free == gateway.seats


async def left_up(gateway: Exchange) -> set[asyncio.Task[Outcome]]:
    """The calls that have not ended within ``LET_GO_S``."""
    if not gateway.calls:
        return set()
    return (await asyncio.wait(gateway.calls, timeout=LET_GO_S))[1]


async def full_house(gateway: Exchange, settings: WorkerSettings) -> None:
    """No place has been lost: as many calls as ever are taken at once, and not one more."""
    gateway.refuse = None
    server = ("127.0.0.1", settings.port)
    names = [f"crowd{number}" for number in range(settings.calls)]
    async with asyncio.timeout(GONE_S):
        crowd = await asyncio.gather(*(_placed(server, name) for name in names))
    late = await Softphone(server, name="late").open()
    late.invite()
    await late.until(486)
    for phone in crowd:
        phone.bye()
        await phone.until(200, method="BYE")
    await nobody_left(gateway)
    for phone in (*crowd, late):
        await phone.close()


async def _placed(server: tuple[str, int], name: str) -> Softphone:
    """Calls, once a second, until there is a place."""
    while True:
        phone = await Softphone(server, name=name).open()
        phone.invite()
        if await phone.final() == 200:
            phone.ack()
            phone.talk()  # or it is hung up before the last one has a place
            return phone
        await phone.close()
        await asyncio.sleep(1)

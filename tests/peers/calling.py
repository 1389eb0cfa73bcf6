"""A whole call of a test's telephone, and the folder it left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.gateway.calls import check
from tests.peers.exchange import Exchange
from tests.peers.softphone import Softphone


@asynccontextmanager
async def calling(phone: Softphone) -> AsyncIterator[Softphone]:
    """A call that was answered; the phone ends it."""
    await phone.open()
    await phone.connect()
    try:
        yield phone
        phone.bye()
        await phone.until(200, method="BYE")
    finally:
        await phone.close()


async def left(gateway: Exchange, number: int = 0) -> Path:
    """The folder of a call whose caller hung up."""
    assert await gateway.outcome(number) == "caller-left"
    check(gateway.folder(number))
    return gateway.folder(number)

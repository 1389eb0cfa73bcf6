"""A worker is started, listened to, given up when it is of no use, and followed by another."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import LegError, WorkerLost
from gateway.legs import sipsupervisor
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.sipsupervisor import half
from gateway.offers import Offer
from gateway.outcome import STOPPED
from media.frame import AudioFrame
from media.playout import Played, Playout

pytestmark = pytest.mark.live
FAKE = Path(__file__).with_name("fakeworker.py")


@asynccontextmanager
async def board(
    manner: str, *, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[SipSwitchboard, AsyncIterator[Offer]]]:
    settings = WorkerSettings(host=host)
    one = SipSwitchboard(settings, command=(sys.executable, str(FAKE), manner))
    await one.start()
    try:
        async with asyncio.timeout(20):
            yield one, one.offers()
    finally:
        await one.close()


def playout() -> Playout:
    return Playout(rate=8_000, packet=160, depth=0, limit=16_000)


async def test_a_call_through_a_worker() -> None:
    async with board("well") as (_, offers):
        offer = await anext(offers)
        assert (offer.source, offer.facts["caller"]) == ("127.0.0.1", "alice")
        await offer.ring()
        leg = offer.leg()
        assert leg is offer.leg()
        await leg.answer(playout())
        events = leg.events()
        kinds = [type(await anext(events)) for _ in range(6)]
        assert kinds == [Played, AudioFrame] * 3
        await leg.hangup(STOPPED)
        async for _ in events:
            pass


async def test_only_on_a_network_does_the_address_tell_callers_apart() -> None:
    async with board("well", host="0.0.0.0") as (_, offers):
        assert (await anext(offers)).source == "192.0.2.7"


async def test_the_sound_of_many_calls_goes_in_messages_that_fit() -> None:
    settings = WorkerSettings(rate=16_000)
    one = SipSwitchboard(settings, command=(sys.executable, str(FAKE), "crowd"))
    await one.start()
    try:
        async with asyncio.timeout(20):
            offers = one.offers()
            legs = [(await anext(offers)).leg() for _ in range(128)]
            sounds = [Playout(rate=16_000, packet=320, depth=0, limit=32_000) for _ in legs]
            await asyncio.gather(
                *(leg.answer(sound) for leg, sound in zip(legs, sounds, strict=True))
            )
            for leg in legs:  # the first tick asks for two packets of each, which come back
                events = leg.events()
                kinds = [type(await anext(events)) for _ in range(4)]
                assert kinds == [Played, AudioFrame] * 2
            assert one.restarts == 0
    finally:
        await one.close()


async def test_a_refused_offer_is_over() -> None:
    async with board("well") as (_, offers):
        offer = await anext(offers)
        with pytest.raises(ValueError, match="200"):
            await offer.reject(200)
        await offer.reject(503, reason="Full", retry_after_s=5)
        with pytest.raises(LegError):
            await offer.leg().answer(playout())


async def test_a_killed_worker_loses_its_calls_and_has_a_successor() -> None:
    async with board("well") as (one, offers):
        leg = (await anext(offers)).leg()
        await leg.answer(playout())
        first = one.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with pytest.raises(WorkerLost):
            async for _ in leg.events():
                pass
        second = (await anext(offers)).leg()  # each worker has one caller
        while not one.restarts:  # noqa: ASYNC110  # counted a moment after its first call
            await asyncio.sleep(0.01)
        assert one.restarts == 1
        assert one.pid not in (None, first)
        await leg.hangup(STOPPED)  # of the first worker's call 1, which the second must not hear
        await second.answer(playout())


@pytest.mark.parametrize(
    ("manner", "why"), [("faint", "media clock"), ("mute", "silent for"), ("rubbish", "protocol")]
)
async def test_a_worker_of_no_use_is_replaced(
    manner: str, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sipsupervisor, "SILENCE_S", 0.3)
    one = SipSwitchboard(WorkerSettings(), command=(sys.executable, str(FAKE), manner))
    if manner == "rubbish":
        with pytest.raises(LegError, match=why):
            await one.start()
    else:
        await one.start()
        async with asyncio.timeout(20):
            while not one.restarts:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert why in caplog.text
    await one.close()


async def test_a_taken_port_is_told_at_the_start() -> None:
    with pytest.raises(LegError, match="Address already in use"):
        async with board("taken"):
            pass


async def test_without_the_library_the_worker_says_what_is_missing() -> None:
    program = (
        "import os, sys; sys.modules['pjsua2'] = None;"
        "from gateway.legs.sipworker import main; os._exit(main(sys.argv[1:]))"
    )
    one = SipSwitchboard(WorkerSettings(), command=(sys.executable, "-c", program))
    with pytest.raises(LegError, match=r"no SIP library: .*pjsua2.*pip install"):
        await one.start()
    await one.close()


async def test_a_program_that_is_not_there() -> None:
    one = SipSwitchboard(WorkerSettings(), command=("/nowhere/worker",))
    with pytest.raises(LegError, match="No such file"):
        await one.start()
    await one.close()


async def test_closing_ends_calls_offers_and_the_process() -> None:
    async with board("well") as (one, offers):
        leg = (await anext(offers)).leg()
        await leg.answer(playout())
        pid = one.pid
        assert pid is not None
        await one.close()
        assert [offer async for offer in offers] == []
        with pytest.raises(LegError):
            async for _ in leg.events():
                pass
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_successor_has_other_rtp_ports() -> None:
    settings = WorkerSettings(rtp_port_min=20_000, rtp_port_max=20_999)
    lower, upper = half(settings, upper=False), half(settings, upper=True)
    assert (lower.rtp_port_min, lower.rtp_port_max) == (20_000, 20_499)
    assert (upper.rtp_port_min, upper.rtp_port_max) == (20_500, 20_999)

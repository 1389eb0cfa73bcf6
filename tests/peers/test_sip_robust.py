"""What strangers send: offers that cannot be met, none at all, too many."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.legs.sipsettings import WorkerSettings
from tests.peers.exchange import Exchange, free_port, hardened
from tests.peers.softphone import Softphone, pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), calls=64)


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


async def test_an_invite_without_an_offer_is_answered_with_one(
    gateway: Exchange, phone: Softphone
) -> None:
    phone.invite(body="")
    assert "m=audio" in await phone.until(200)
    phone.ack(phone.sdp())
    phone.talk()
    phone.to_say = tone(1_000, seconds=2)
    await asyncio.sleep(2.5)
    phone.bye()
    assert await gateway.outcome() == "caller-left"
    assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)


async def test_an_invite_without_an_offer_can_be_refused(
    gateway: Exchange, phone: Softphone, settings: WorkerSettings
) -> None:
    gateway.refuse = (486, "Busy Here", 0)
    phone.invite(body="")
    await phone.until(486)
    await still_well(gateway, settings)


async def test_an_offer_of_dtls_is_refused_and_survived(
    gateway: Exchange, phone: Softphone, settings: WorkerSettings
) -> None:
    phone.invite(body=phone.sdp().replace("RTP/AVP", "UDP/TLS/RTP/SAVPF"))
    await phone.until(488)
    await still_well(gateway, settings)


async def test_no_codec_in_common(
    gateway: Exchange, phone: Softphone, settings: WorkerSettings
) -> None:
    phone.invite(body=phone.sdp().replace("AVP 0 101", "AVP 18").replace("0 PCMU", "18 G729"))
    await phone.until(488)
    await still_well(gateway, settings)


@pytest.mark.skipif(not hardened(), reason="the wheel dies of it: measured, hence make pjsua2")
async def test_a_burst_of_refused_calls(gateway: Exchange, settings: WorkerSettings) -> None:
    gateway.refuse = (503, "Full", 5)
    server = ("127.0.0.1", settings.port)
    phones = [await Softphone(server, name=f"caller{n}").open() for n in range(100)]
    for phone in phones:
        phone.invite()
        await asyncio.sleep(0.005)
    for phone in phones:
        await phone.until(503)
        await phone.close()
    await still_well(gateway, settings)


async def test_short_calls_leave_nothing_behind(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    def held() -> tuple[int, int]:
        process = Path(f"/proc/{gateway.board.pid}")
        return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))

    before: tuple[int, int] | None = None
    for number in range(20):
        phone = await Softphone(("127.0.0.1", settings.port), name=f"caller{number}").open()
        await phone.connect()
        await asyncio.sleep(0.1)
        phone.bye()
        await phone.until(200, method="BYE")
        assert await gateway.outcome(number) == "caller-left"
        await phone.close()
        before = before or held()
    await still_well(gateway, settings)  # meanwhile the last calls are let go
    after = held()
    assert before is not None
    assert after[0] <= before[0]
    assert after[1] <= before[1]

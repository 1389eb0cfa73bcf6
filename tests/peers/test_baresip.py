"""Calls from baresip (Debian: ``baresip-core``), a softphone with a stack of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.legs.sipsettings import WorkerSettings
from tests.gateway.calls import check, of, summary, timeline, tracks
from tests.peers.baresip import Baresip, has_baresip
from tests.peers.exchange import Exchange, free_port
from tests.peers.loudness import pitch_of, recorded, stretches_ms
from tests.peers.rtpend import apart
from tests.peers.softphone import RATE, pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(not has_baresip(), reason="no baresip is installed"),
]


@pytest.fixture
def codec() -> str:
    return "PCMU"


@pytest.fixture
def settings(codec: str) -> WorkerSettings:
    if codec == "G722":
        return apart(WorkerSettings(port=free_port(), codecs=("G722",), rate=16_000))
    return apart(WorkerSettings(port=free_port()))


@pytest.fixture
async def phone(tmp_path: Path, codec: str) -> AsyncIterator[Baresip]:
    """Speaks a tone of 1 kHz for as long as a call lasts."""
    rate = 16_000 if codec == "G722" else 8_000
    one = Baresip(tmp_path / "phone", codec=f"{codec}/{rate}/1")
    yield await one.start(tone(1_000, seconds=20, rate=one.rate))
    await one.close()


@pytest.mark.parametrize(
    ("codec", "transport"), [("PCMU", "udp"), ("PCMA", "tcp"), ("G722", "udp")]
)
async def test_a_tone_goes_both_ways(
    gateway: Exchange, settings: WorkerSettings, phone: Baresip, codec: str, transport: str
) -> None:
    phone.tell("dial", f"sip:4711@127.0.0.1:{settings.port};transport={transport}")
    await phone.until("CALL_ESTABLISHED")
    await recorded(gateway.folder(), seconds=3)
    phone.tell("hangup")
    await phone.until("CALL_CLOSED")
    assert await gateway.outcome() == "caller-left"
    await phone.close()
    check(gateway.folder())
    facts = summary(gateway.folder())["facts"]
    assert facts["codec"] == ("G722/8000" if codec == "G722" else f"{codec}/8000")
    assert (facts["caller"], facts["callee"]) == ("baresip", "4711")
    caller, bot = tracks(gateway.folder())
    for heard in (caller[::2], bot[::2], phone.heard()[:: phone.rate // RATE]):
        assert pitch(heard) == pytest.approx(1_000, abs=1)


async def test_hold_and_resume_at_the_telephone(
    gateway: Exchange, settings: WorkerSettings, phone: Baresip
) -> None:
    phone.tell("dial", f"sip:4711@127.0.0.1:{settings.port}")
    await phone.until("CALL_ESTABLISHED")
    await recorded(gateway.folder(), seconds=2)
    phone.tell("hold")
    await recorded(gateway.folder(), seconds=4)
    phone.tell("resume")
    await recorded(gateway.folder(), seconds=6.5)
    phone.tell("hangup")
    assert await gateway.outcome() == "caller-left"
    folder = gateway.folder()
    assert [entry.data["on"] for entry in of(timeline(folder), "held")] == [True, False]
    caller, _ = tracks(folder)
    before, after = stretches_ms(caller[::2])
    assert after[0] - before[1] > 1_000
    for begin, stop in (before, after):
        assert pitch_of(caller[::2], begin, stop) == pytest.approx(1_000, abs=1)


async def test_keys_of_the_telephone(
    gateway: Exchange, settings: WorkerSettings, phone: Baresip
) -> None:
    phone.tell("dial", f"sip:4711@127.0.0.1:{settings.port}")
    await phone.until("CALL_ESTABLISHED")
    await recorded(gateway.folder(), seconds=1)
    for number, key in enumerate("12*#"):
        phone.tell("sndcode", key)
        await recorded(gateway.folder(), seconds=1.5 + number / 2)
    phone.tell("hangup")
    assert await gateway.outcome() == "caller-left"
    digits = [entry.data["key"] for entry in of(timeline(gateway.folder()), "digit")]
    assert digits == list("12*#")


async def test_the_gateway_hangs_up(
    gateway: Exchange, settings: WorkerSettings, phone: Baresip
) -> None:
    phone.tell("dial", f"sip:4711@127.0.0.1:{settings.port}")
    await phone.until("CALL_ESTABLISHED")
    gateway.calls[0].cancel()
    assert (await phone.until("CALL_CLOSED"))["direction"] == "outgoing"

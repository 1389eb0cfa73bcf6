"""What is said around calls: our address, early media, requests that are no calls."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.legs.sipsettings import WorkerSettings
from tests.peers.exchange import Exchange, exchange, free_port
from tests.peers.softphone import Softphone, pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]
SILENCE = 0


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port())


async def test_far_ends_are_told_the_public_address(
    tmp_path: Path, settings: WorkerSettings
) -> None:
    public = replace(settings, public_host="192.0.2.33")
    async with exchange(tmp_path, settings=public):
        phone = await Softphone(("127.0.0.1", settings.port)).open()
        phone.invite()
        answer = await phone.until(200)
        assert re.search(r"^c=IN IP4 192\.0\.2\.33", answer, re.M)
        assert "127.0.0.1" not in answer.partition("\r\n\r\n")[2]
        contact = re.search(r"^Contact:.*$", answer, re.M)
        assert contact
        assert f"@192.0.2.33:{settings.port}" in contact[0]
        await phone.close()


async def test_early_media_opens_the_way_before_the_answer(
    tmp_path: Path, settings: WorkerSettings
) -> None:
    async with exchange(tmp_path, settings=replace(settings, early_media=True)) as here:
        here.warming_s = 1.0
        phone = await Softphone(("127.0.0.1", settings.port)).open()
        phone.invite()
        progress = await phone.until(183)
        assert "m=audio" in progress
        await asyncio.sleep(0.5)
        assert phone.arrivals  # silence, which opens address translators on the way
        assert not phone.heard().any()
        await phone.until(200)
        phone.ack()
        phone.talk()
        phone.to_say = tone(1_000, seconds=3)
        await asyncio.sleep(3.5)
        phone.bye()
        assert await here.outcome() == "caller-left"
        assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)
        await phone.close()


async def test_early_media_needs_an_offer(tmp_path: Path, settings: WorkerSettings) -> None:
    async with exchange(tmp_path, settings=replace(settings, early_media=True)) as here:
        here.warming_s = 0.5
        phone = await Softphone(("127.0.0.1", settings.port)).open()
        phone.invite(body="")
        assert "m=audio" not in await phone.until(180)
        assert "m=audio" in await phone.until(200)
        await phone.close()


@pytest.mark.parametrize(
    ("method", "fields", "code"),
    [
        ("OPTIONS", "", 200),
        ("SUBSCRIBE", "Event: presence\r\nExpires: 600\r\n", 489),
        ("MESSAGE", "", 200),  # the library says so, and throws it away
        ("REFER", "Refer-To: <sip:+19005550100@127.0.0.1>\r\n", SILENCE),
        ("REGISTER", "Expires: 60\r\n", SILENCE),
        ("PUBLISH", "Event: presence\r\n", SILENCE),
    ],
)
async def test_nothing_comes_of_what_is_no_call(
    gateway: Exchange, settings: WorkerSettings, method: str, fields: str, code: int
) -> None:
    assert await _asked(settings.port, method, fields) == code
    assert await _asked(settings.port, "OPTIONS", "") == 200
    assert not gateway.offers


class _Ear(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.heard.done() and not data.startswith(b"SIP/2.0 1"):
            self.heard.set_result(data.decode())


async def _asked(port: int, method: str, fields: str) -> int:
    """The final status of a request that belongs to no call; ``SILENCE`` if none comes."""
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(_Ear, local_addr=("127.0.0.1", 0))
    here = "{}:{}".format(*transport.get_extra_info("sockname"))
    text = (
        f"{method} sip:4711@127.0.0.1:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{method}\r\n"
        f"From: <sip:mallory@{here}>;tag=1\r\nTo: <sip:4711@127.0.0.1:{port}>\r\n"
        f"Call-ID: {method}@{here}\r\nCSeq: 1 {method}\r\nContact: <sip:mallory@{here}>\r\n"
        f"Max-Forwards: 70\r\n{fields}Content-Length: 0\r\n\r\n"
    )
    transport.sendto(text.encode(), ("127.0.0.1", port))
    try:
        async with asyncio.timeout(1):
            return int((await ear.heard).split()[1])
    except TimeoutError:
        return SILENCE
    finally:
        transport.close()

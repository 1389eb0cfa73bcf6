"""A gateway behind Kamailio (Debian: ``kamailio``): as its proxy, and as its registrar."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bot.engines.echo import EchoEngine
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipdial import Dialling
from gateway.legs.sipsettings import Account, WorkerSettings
from tests.gateway.calls import call_of, check, stepper_of, summary, tracks
from tests.peers.baresip import Baresip, has_baresip
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.kamailio import HOST, PASSWORD, REALM, USER, Kamailio, has_kamailio
from tests.peers.loudness import recorded
from tests.peers.rtpend import RtpEnd, apart
from tests.peers.serving import served
from tests.peers.sipp.run import field, has_sipp, sipp
from tests.peers.sipp.scenario import Scenario, offer
from tests.peers.softphone import pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(not has_kamailio(), reason="no kamailio is installed"),
    pytest.mark.skipif(not has_sipp(), reason="no sipp is installed"),
]


@pytest.fixture
def settings() -> WorkerSettings:
    return apart(WorkerSettings(port=free_port()))


@pytest.fixture
def inner() -> str:
    """How the proxy talks with the gateway."""
    return "udp"


@pytest.fixture
async def proxy(settings: WorkerSettings, tmp_path: Path, inner: str) -> AsyncIterator[Kamailio]:
    one = Kamailio(tmp_path / "kamailio")
    yield await one.start(f"sip:127.0.0.1:{settings.port};transport={inner}")
    await one.close()


@pytest.fixture
async def end() -> AsyncIterator[RtpEnd]:
    """Speaks a tone of 1 kHz as long as it is let."""
    one = await RtpEnd().open()
    one.to_say = tone(1_000, seconds=20)
    yield one
    await one.close()


@pytest.mark.parametrize(
    ("outer", "inner"), [("u1", "udp"), ("t1", "tcp"), ("t1", "udp"), ("u1", "tcp")]
)
async def test_a_call_through_a_proxy(
    gateway: Exchange, proxy: Kamailio, end: RtpEnd, tmp_path: Path, outer: str
) -> None:
    fields = [
        "P-Asserted-Identity: <sip:+4930123@carrier.test>",
        "Diversion: <sip:100@carrier.test>;reason=unconditional",
    ]
    calling = Scenario().invite(offer(end.port), fields=fields).ack().pause(1_400)
    calling.invite(offer(end.port, version=2)).ack().pause(1_200).bye()
    messages = await sipp(calling, folder=tmp_path, port=proxy.port, remote=HOST, transport=outer)
    assert any(HOST in field(message, "Record-Route") for message in messages if not message.ours)
    assert await gateway.outcome() == "caller-left"
    assert gateway.offers[0].source == HOST
    check(gateway.folder())
    facts = summary(gateway.folder())["facts"]
    assert facts["callee"] == "4711"
    assert facts["p-asserted-identity"] == "<sip:+4930123@carrier.test>"
    assert facts["diversion"] == "<sip:100@carrier.test>;reason=unconditional"
    caller, _ = tracks(gateway.folder())
    assert pitch(caller[::2]) == pytest.approx(1_000, abs=1)
    assert pitch(end.heard()) == pytest.approx(1_000, abs=1)


@pytest.mark.parametrize("inner", ["udp", "tcp"])
async def test_the_gateway_hangs_up_through_the_proxy(
    gateway: Exchange, proxy: Kamailio, end: RtpEnd, tmp_path: Path
) -> None:
    calling = Scenario().invite(offer(end.port)).ack().asked("BYE")
    running = asyncio.create_task(sipp(calling, folder=tmp_path, port=proxy.port, remote=HOST))
    await end.until_heard(25)
    gateway.calls[0].cancel()
    messages = await running
    (bye,) = [message for message in messages if message.text.startswith("BYE")]
    assert not bye.ours
    assert "cause=503" in field(bye, "Reason")
    await asyncio.wait(gateway.calls)
    assert summary(gateway.folder())["outcome"]["reason"] == "stopped"


async def test_a_caller_behind_a_proxy_gives_up(
    gateway: Exchange, proxy: Kamailio, tmp_path: Path
) -> None:
    gateway.warming_s = 0.7
    calling = Scenario().send("INVITE", body=offer()).expect(100, optional=True).expect(180)
    calling.pause(200).cancel()
    await sipp(calling, folder=tmp_path, port=proxy.port, remote=HOST)
    assert await gateway.outcome() == "caller-left"


async def test_a_refusal_comes_through(gateway: Exchange, proxy: Kamailio, tmp_path: Path) -> None:
    gateway.refuse = (486, "Busy Here", 7)
    calling = Scenario().send("INVITE", body=offer()).ringing().refused(486)
    messages = await sipp(calling, folder=tmp_path, port=proxy.port, remote=HOST)
    (refusal,) = [message for message in messages if message.first.startswith("SIP/2.0 486")]
    assert field(refusal, "Retry-After") == "7"


async def test_a_full_gateway_is_passed_over(end: RtpEnd, tmp_path: Path) -> None:
    one, two = (apart(WorkerSettings(port=free_port())) for _ in range(2))
    proxy = Kamailio(tmp_path / "kamailio")
    await proxy.start(f"sip:127.0.0.1:{one.port}", f"sip:127.0.0.1:{two.port}")
    async with (
        exchange(tmp_path / "one", settings=one) as full,
        exchange(tmp_path / "two", settings=two) as free,
    ):
        full.refuse = (503, "No Free Seat", 10)
        calling = Scenario().invite(offer(end.port)).ack().pause(2_200).bye()
        await sipp(calling, folder=tmp_path, port=proxy.port, remote=HOST)
        assert await free.outcome() == "caller-left"
        assert len(full.offers) == len(free.offers) == 1
    await proxy.close()
    assert pitch(end.heard()) == pytest.approx(1_000, abs=1)


def registering(proxy: Kamailio, *, password: str = PASSWORD, by: str = "udp") -> Account:
    registrar = f"sip:{HOST}:{proxy.port};transport={by}"
    return Account(registrar=registrar, user=USER, password=password, realm=REALM)


async def logged(caplog: pytest.LogCaptureFixture, text: str, *, within_s: float = 8.0) -> None:
    """Wait until the gateway has said so."""
    async with asyncio.timeout(within_s):
        while text not in caplog.text:  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("by", ["udp", "tcp"])
async def test_calls_come_to_where_it_has_registered(
    proxy: Kamailio, end: RtpEnd, tmp_path: Path, caplog: pytest.LogCaptureFixture, by: str
) -> None:
    caplog.set_level(logging.INFO)
    settings = apart(WorkerSettings(port=free_port(), accounts=(registering(proxy, by=by),)))
    async with exchange(tmp_path, settings=settings) as gateway:
        await logged(caplog, f"registered as {USER}")
        calling = Scenario().invite(offer(end.port)).ack().pause(2_200).bye()
        await sipp(calling, folder=tmp_path, port=proxy.port, remote=HOST, callee=USER)
        assert await gateway.outcome() == "caller-left"
        assert gateway.offers[0].source == HOST
        assert pitch(end.heard()) == pytest.approx(1_000, abs=1)
    assert PASSWORD not in caplog.text
    gone = Scenario().send("INVITE", body=offer(end.port)).ringing().refused(480)
    await sipp(gone, folder=tmp_path, port=proxy.port, remote=HOST, callee=USER)


async def test_a_wrong_password_is_told(
    proxy: Kamailio, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    account = registering(proxy, password="close sesame")
    settings = apart(WorkerSettings(port=free_port(), accounts=(account,)))
    async with exchange(tmp_path, settings=settings):
        await logged(caplog, f"not registered as {USER}")
    assert "401" in caplog.text
    assert "sesame" not in caplog.text


@pytest.mark.skipif(not has_baresip(), reason="no baresip is installed")
async def test_a_call_goes_out_through_a_proxy_that_asks_who_calls(tmp_path: Path) -> None:
    phone, proxy = Baresip(tmp_path / "phone", codec="PCMU/8000/1"), Kamailio(tmp_path / "kamailio")
    await proxy.start(outside=f"sip:127.0.0.1:{phone.port}")
    await phone.start(tone(1_000, seconds=20))
    account = replace(registering(proxy), registers=False)
    board = SipSwitchboard(apart(WorkerSettings(port=0, accounts=(account,), dial=0)))
    await board.start()
    stepper = await stepper_of(EchoEngine(width=1))
    leg = board.dial(Dialling(f"sip:baresip@{HOST}:{proxy.port}", ring_s=10))
    call, _ = call_of(leg, stepper, tmp_path / "call")
    calling = asyncio.create_task(call.run())
    await recorded(tmp_path / "call", seconds=3)
    phone.tell("hangup")
    assert str(await calling) == "caller-left"
    await board.close()
    await stepper.close()
    await phone.close()
    await proxy.close()
    check(tmp_path / "call")
    caller, _ = tracks(tmp_path / "call")
    assert pitch(caller[::2]) == pytest.approx(1_000, abs=1)
    assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)


@pytest.mark.skipif(not hardened(), reason="PyPI's build does not register")
async def test_only_the_proxy_is_let_in_and_the_registration_is_in_the_settings(
    end: RtpEnd, tmp_path: Path
) -> None:
    proxy = Kamailio(tmp_path / "kamailio")
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    account = f"registrar: 'sip:{HOST}:{proxy.port}', user: {USER}, realm: {REALM}"
    account += f", password_file: '{tmp_path / 'password'}'"
    settings = (
        "bot=scripted",
        f"admission.allow=[{HOST}/32]",
        f"sip.registrations=[{{{account}}}]",
    )
    await proxy.start()
    async with served(tmp_path, *settings) as gateway:
        direct = Scenario().send("INVITE", body=offer()).ringing().refused(403)
        await sipp(direct, folder=tmp_path, port=gateway.port)
        async with asyncio.timeout(10):
            while "registered as" not in gateway.log.read_text(encoding="utf-8"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        calling = Scenario().invite(offer(end.port)).ack().pause(2_200).bye()
        await sipp(calling, folder=tmp_path, port=proxy.port, remote=HOST, callee=USER)
        folder = await gateway.ended()
        said = gateway.log.read_text(encoding="utf-8")
    await proxy.close()
    check(folder)
    assert "127.0.0.1" in said
    assert "stranger" in said
    assert PASSWORD not in said
    assert len(gateway.folders()) == 1
    assert np.abs(end.heard()).max() > 1_000  # the scripted engine speaks at once

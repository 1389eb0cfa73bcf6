"""Registrations with digest, and who gets no answer to a challenge."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.errors import Rejected
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipdial import Dialling
from gateway.legs.sipsettings import Account as Settings
from gateway.legs.sipsettings import WorkerSettings
from gateway.outcome import STOPPED
from media.playout import Playout
from tests.peers.callee import Callee
from tests.peers.digest import Account, field
from tests.peers.exchange import hardened

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(not hardened(), reason="the wheel takes no registrations"),
]
SECRET = Account().password


def account(registrar: Callee, **changes: object) -> Settings:
    settings: dict[str, object] = {
        "registrar": f"sip:{registrar.host}:{registrar.port};transport={registrar.via.lower()}",
        "user": "42",
        "password": SECRET,
        "realm": "pbx.test",
        "expires_s": 60,
    }
    return Settings(**{**settings, **changes})  # type: ignore[arg-type]


def playout() -> Playout:
    return Playout(rate=8_000, packet=160, depth=0, limit=16_000)


@asynccontextmanager
async def board(accounts: Sequence[Settings], *, dial: int = -1) -> AsyncIterator[SipSwitchboard]:
    one = SipSwitchboard(WorkerSettings(port=0, accounts=tuple(accounts), dial=dial))
    await one.start()
    try:
        yield one
    finally:
        await one.close()


@asynccontextmanager
async def registrar(
    *, tcp: bool = False, host: str = "127.0.0.1", **changes: str
) -> AsyncIterator[Callee]:
    one = await Callee(account=Account(**changes), host=host).open(tcp=tcp)
    try:
        yield one
    finally:
        await one.close()


def answers(callee: Callee) -> list[str]:
    """Requests that carry an answer to a challenge."""
    return [text for text in callee.requests if re.search(r"^(Proxy-)?Authorization:", text, re.M)]


@pytest.mark.parametrize(("tcp", "algorithm"), [(False, "MD5"), (True, "MD5"), (False, "SHA-256")])
async def test_it_registers_and_takes_that_back(
    tcp: bool, algorithm: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with registrar(tcp=tcp, algorithm=algorithm) as here:
        async with board([account(here)]) as one:
            contact = await here.until_registered()
            assert re.search(r"<sip:42@127\.0\.0\.1:\d+", contact)
            assert ("transport=TCP" in contact) == tcp
            assert one.pid is not None
            assert SECRET not in _command_line(one.pid)
            await _logged(caplog, "registered as 42 at sip:127.0.0.1")
        await here.until_registered(times=2)
        assert field(here.asked("REGISTER")[-1], "Expires") == "0"
    assert SECRET not in caplog.text


async def test_a_challenge_of_another_realm_gets_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with registrar(realm="elsewhere") as here, board([account(here)]):
        await here.until_asked("REGISTER")
        await _logged(caplog, "not registered as 42 at sip:127.0.0.1")
        assert "401" in caplog.text
        assert not answers(here)


async def test_a_refused_registration_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async with registrar() as here:
        here.status = (503, "Overloaded")
        async with board([account(here)]):
            await here.until_asked("REGISTER")
            await _logged(caplog, "503 Overloaded; the registrar cannot be reached")
            here.status = None
            await here.until_registered()


@pytest.mark.parametrize(
    ("registrar_uri", "told"),
    [
        ("sip:nowhere.invalid", "502"),
        ("sip:127.0.0.1:9;transport=tcp", "503 Connection refused"),
        ("sip:[::1]:5060", "503 Unsupported transport"),  # we listen on IPv4
    ],
)
async def test_a_registrar_that_cannot_be_reached_is_told(
    registrar_uri: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = Settings(registrar=registrar_uri, user="42", password=SECRET)
    async with board([nobody]) as one:
        await _logged(caplog, f"not registered as 42 at {registrar_uri}: {told}")
        assert one.up


@pytest.mark.parametrize("nonces", [["one"], ["one", "two", "three", "four", "five"]])
async def test_a_registration_is_renewed(
    nonces: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with registrar() as here, board([account(here, expires_s=6)]):
        for times, nonce in enumerate((nonces * 3)[:3], 1):
            here.account = Account(nonce=nonce)
            await here.until_registered(times=times)
        assert "not registered" not in caplog.text
        calls = {field(text, "Call-ID") for text in here.asked("REGISTER")}
        assert len(calls) == 1


async def test_a_call_through_a_registration_can_get_no_password_out_of_us() -> None:
    async with registrar() as here, board([account(here)]) as one:
        contact = await here.until_registered()
        here.hostile = True
        known = len(answers(here))
        here.invite(contact, callee="42")
        offer = await anext(one.offers())
        assert offer.facts["callee"] == "42"
        leg = offer.leg()
        answering = asyncio.ensure_future(leg.answer(playout()))
        here.ack(await here.until_told(200))
        await answering
        await leg.hangup(STOPPED)
        await here.until_asked("BYE")
        await asyncio.sleep(0.5)
        assert len(answers(here)) == known


async def test_a_call_we_make_answers_the_challenge_of_the_proxy_and_no_other() -> None:
    async with registrar() as here, board([account(here, registers=False)], dial=0) as one:
        leg = one.dial(Dialling(here.uri))
        answering = asyncio.ensure_future(leg.answer(playout()))
        first = await here.until_asked("INVITE")
        assert "sip:42@" in field(first, "From")
        here.challenge(first)
        second = await here.until_asked("INVITE", times=2)
        assert here.account is not None
        assert here.account.knows(second)
        here.reply(second, 200, body=here.sdp())
        await answering
        here.hostile = True
        await leg.hangup(STOPPED)
        await here.until_asked("BYE")
        await asyncio.sleep(0.5)
        assert len(here.asked("BYE")) == 1
        assert not here.asked("REGISTER")


async def test_a_stranger_who_challenges_in_the_name_of_the_registrar_gets_nothing() -> None:
    async with (
        registrar() as here,
        registrar(host="127.0.0.2") as stranger,
        board([account(here, registers=False)], dial=0) as one,
    ):
        leg = one.dial(Dialling(stranger.uri))
        answering = asyncio.ensure_future(leg.answer(playout()))
        stranger.challenge(await stranger.until_asked("INVITE"))
        with pytest.raises(Rejected, match="asks for a password"):
            await answering
        assert not answers(stranger)


async def test_calls_go_by_the_proxy_of_the_account() -> None:
    async with registrar() as proxy:
        by = account(proxy, registers=False, proxy=f"sip:127.0.0.1:{proxy.port}")
        async with board([by], dial=0) as one:
            leg = one.dial(Dialling("sip:+4930123456@carrier.example"))
            answering = asyncio.ensure_future(leg.answer(playout()))
            invite = await proxy.until_asked("INVITE")
            assert invite.startswith("INVITE sip:+4930123456@carrier.example SIP/2.0")
            proxy.reply(invite, 486, "Busy Here")
            with pytest.raises(Rejected, match="is busy"):
                await answering


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")


async def _logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    async with asyncio.timeout(10):
        while text not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

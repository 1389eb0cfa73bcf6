"""Which switchboards there are, and what is said when there are none."""

from __future__ import annotations

import asyncio

import pytest

from gateway.config import load
from gateway.errors import ConfigError, PartMissing
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipbuild import SipBuild
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.switchboards import switchboards, worker_settings
from media.clock import LoopClock

WHEEL = SipBuild(version="2.15.1", hardened=False, packaged=True, max_calls=4)
HARDENED = SipBuild(version="2.17", hardened=True, packaged=False, max_calls=256)


@pytest.fixture(autouse=True)
def any_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and addresses of others are used here: nothing is bound."""
    monkeypatch.setattr("gateway.switchboards.check_free", lambda **where: None)


async def boards(*overrides: str, build: SipBuild | None = HARDENED) -> list[type]:
    clock = LoopClock(asyncio.get_running_loop())
    return [type(one) for one in switchboards(load(overrides), clock, look=lambda: build)]


BOTH = [SipSwitchboard, WebRtcSwitchboard]


async def test_calls_come_by_sip_and_from_browsers_as_the_settings_say() -> None:
    assert await boards() == BOTH
    assert await boards("sip.enabled=false", build=None) == [WebRtcSwitchboard]
    assert await boards("webrtc.enabled=false") == [SipSwitchboard]
    with pytest.raises(ConfigError, match=r"^sip\.enabled: false, and calls come in by no other"):
        await boards("sip.enabled=false", "webrtc.enabled=false")


TURN = "{url: 'turn:turn.example:3478', username: parley, password_env: TURN_PASSWORD}"


async def test_passwords_of_turn_servers_come_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("sip.enabled=false", f"webrtc.ice_servers=[{TURN}]")
    monkeypatch.delenv("TURN_PASSWORD", raising=False)
    with pytest.raises(
        ConfigError, match=r"^webrtc\.ice_servers\.0\.password_env: the environment"
    ):
        await boards(*words)
    monkeypatch.setenv("TURN_PASSWORD", "open sesame")
    assert await boards(*words) == [WebRtcSwitchboard]


async def test_without_the_engine_one_line_says_how_to_get_it() -> None:
    with pytest.raises(
        PartMissing, match=r"pjsua2 is not installed; make setup EXTRAS=sip"
    ) as told:
        await boards(build=None)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
async def test_the_wheel_serves_this_machine(host: str) -> None:
    assert await boards(f"sip.host='{host}'", build=WHEEL) == BOTH


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "phone.example"])
async def test_the_wheel_serves_others_only_when_that_is_allowed(host: str) -> None:
    words = [f"sip.host='{host}'"]
    with pytest.raises(ConfigError, match=r"^sip\.host: .*make pjsua2"):
        await boards(*words, build=WHEEL)
    assert await boards(*words, "sip.allow_unhardened=true", build=WHEEL) == BOTH
    assert await boards(*words, build=HARDENED) == BOTH


REGISTRATION = (
    "sip.registrations=[{registrar: 'sip:pbx.example', user: '42', password_env: PBX_PASSWORD}]"
)


async def test_there_is_one_for_each_worker() -> None:
    assert await boards("sip.workers=3") == [SipSwitchboard] * 3 + [WebRtcSwitchboard]


def test_settings_reach_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBX_PASSWORD", "open sesame")
    words = [REGISTRATION, "sip.outbound.account='42'", "sip.outbound.proxy='sip:proxy.example'"]
    words += ["sip.codecs=[G722]", "sip.public_ip=192.0.2.1", "sip.early_media=true"]
    settings = worker_settings(load(words), look=lambda: HARDENED)
    (account,) = settings.accounts
    assert (account.user, account.password, account.registers) == ("42", "open sesame", True)
    assert (settings.dial, settings.proxy) == (0, "sip:proxy.example")
    assert (settings.rate, settings.public_host) == (16_000, "192.0.2.1")
    assert settings.early_media
    assert settings.calls == HARDENED.max_calls


def test_the_wheel_gets_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBX_PASSWORD", "open sesame")
    with pytest.raises(ConfigError, match=r"^sip\.registrations: .*make pjsua2"):
        worker_settings(load([REGISTRATION]), look=lambda: WHEEL)

"""Calls over real sockets: a telephone of our own, the SIP worker, an engine that echoes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import LegError
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipprotocol import Start
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.sipwire import encode
from tests.gateway.calls import check, of, summary, timeline, tracks
from tests.peers.exchange import Exchange, free_port
from tests.peers.softphone import Softphone, pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), headers=("X-Ticket",), media_timeout_s=2.0)


async def test_a_tone_comes_back_and_is_recorded(gateway: Exchange, phone: Softphone) -> None:
    await phone.connect(fields=("X-Ticket: 17", "X-Other: no"))
    phone.to_say = tone(1_000, seconds=3)
    await asyncio.sleep(4)
    phone.bye()
    await phone.until(200, method="BYE")
    assert await gateway.outcome() == "caller-left"
    assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)
    left, right = tracks(gateway.folder())
    assert pitch(left[::2]) == pytest.approx(1_000, abs=1)
    assert pitch(right[::2]) == pytest.approx(1_000, abs=1)
    check(gateway.folder())
    facts = summary(gateway.folder())["facts"]
    assert facts == {
        "codec": "PCMU/8000", "caller": "alice", "callee": "4711", "x-ticket": "17"
    }  # fmt: skip
    assert [code for code, _ in phone.replies if code >= 180][:2] == [180, 200]


async def test_calls_come_over_tcp_too(gateway: Exchange, settings: WorkerSettings) -> None:
    phone = await Softphone(("127.0.0.1", settings.port)).open(tcp=True)
    await phone.connect()
    phone.to_say = tone(1_000, seconds=2)
    await asyncio.sleep(3)
    phone.bye()
    await phone.until(200, method="BYE")
    assert await gateway.outcome() == "caller-left"
    assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)
    await phone.close()


async def test_the_gateway_hangs_up_and_says_why(gateway: Exchange, phone: Softphone) -> None:
    await phone.connect()
    await asyncio.sleep(1)
    gateway.calls[0].cancel()
    bye = await phone.until_asked("BYE")
    assert 'Reason: SIP;cause=503;text="Stopped"' in bye
    assert bye.count("Reason:") == 1
    await asyncio.wait(gateway.calls)
    call = summary(gateway.folder())
    assert call["outcome"]["reason"] == "stopped"
    assert call["sip"] == {"code": 503, "reason": "Stopped", "by": "gateway"}
    assert call["rtp"]["received"] == pytest.approx(phone.line.sent, abs=3)
    assert call["rtp"]["sent"] == pytest.approx(len(phone.arrivals), abs=3)
    assert call["rtp"]["mos"] == pytest.approx(4.41, abs=0.1)


async def test_a_caller_who_gives_up_is_not_answered(gateway: Exchange, phone: Softphone) -> None:
    gateway.warming_s = 0.5
    phone.invite()
    await phone.until(180)
    phone.cancel()
    await phone.until(487)
    assert await gateway.outcome() == "caller-left"
    assert not of(timeline(gateway.folder()), "answer")
    call = summary(gateway.folder())
    assert call["sip"] == {"code": 487, "reason": "Request Terminated", "by": "far-end"}
    assert "rtp" not in call


async def test_keys_are_heard_once_by_both_ways(gateway: Exchange, phone: Softphone) -> None:
    await phone.connect()
    await asyncio.sleep(0.5)
    for key in "12*#":
        phone.press(key)
        await asyncio.sleep(0.2)
    for key, plain in (("7", False), ("8", True)):
        phone.info(key, plain=plain)
        await phone.until(200, method="INFO")
    await asyncio.sleep(0.2)
    phone.bye()
    await gateway.outcome()
    digits = [entry.data["key"] for entry in of(timeline(gateway.folder()), "digit")]
    assert digits == list("12*#78")


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
async def test_hold_and_resume(gateway: Exchange, phone: Softphone, direction: str) -> None:
    await phone.connect()
    phone.to_say = tone(1_000, seconds=12)
    await asyncio.sleep(1)
    phone.invite(direction=direction)
    answer = await phone.until(200)
    assert f"a={'recvonly' if direction == 'sendonly' else direction}" in answer
    phone.ack()
    await asyncio.sleep(3)  # longer than the media timeout, which does not count now
    phone.invite()
    await phone.until(200)
    phone.ack()
    before = len(phone.heard())
    await asyncio.sleep(2)
    phone.bye()
    assert await gateway.outcome() == "caller-left"
    holds = [(entry.at, entry.data["on"]) for entry in of(timeline(gateway.folder()), "held")]
    assert [on for _, on in holds] == [True, False]
    assert holds[1][0] - holds[0][0] == pytest.approx(3 * 16_000, abs=8_000)
    left, _ = tracks(gateway.folder())
    held = left[holds[0][0] + 3_200 : holds[1][0] - 3_200]
    assert not np.abs(held).max() > 50
    assert pitch(phone.heard()[before:]) == pytest.approx(1_000, abs=1)


async def test_a_peer_that_vanishes_is_let_go(gateway: Exchange, phone: Softphone) -> None:
    await phone.connect()
    await asyncio.sleep(0.5)
    phone.mute = True
    assert await gateway.outcome() == "caller/media-silent"
    assert "cause=408" in await phone.until_asked("BYE")
    assert summary(gateway.folder())["sip"]["by"] == "gateway"
    assert summary(gateway.folder())["rtp"]["received"] == pytest.approx(phone.line.sent, abs=3)


async def test_an_answer_without_ack_is_reaped(gateway: Exchange, phone: Softphone) -> None:
    phone.invite()
    await phone.until(200)
    assert await gateway.outcome() == "carrier/signalling-lost"
    assert not of(timeline(gateway.folder()), "answer")
    assert summary(gateway.folder())["sip"]["code"] == 408


async def test_a_refusal_says_when_to_call_again(gateway: Exchange, phone: Softphone) -> None:
    gateway.refuse = (503, "Draining", 7)
    phone.invite()
    refusal = await phone.until(503)
    assert refusal.startswith("SIP/2.0 503 Draining")
    assert "Retry-After: 7" in refusal
    assert gateway.offers[0].source == "127.0.0.1"


async def test_a_killed_worker_ends_its_calls_and_another_takes_over(
    gateway: Exchange, phone: Softphone, settings: WorkerSettings
) -> None:
    await phone.connect()
    await asyncio.sleep(0.5)
    assert gateway.board.pid is not None
    os.kill(gateway.board.pid, signal.SIGKILL)
    assert await gateway.outcome() == "gateway/sip-worker-lost"
    check(gateway.folder())
    async with asyncio.timeout(10):
        while not gateway.board.restarts:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    again = await Softphone(("127.0.0.1", settings.port), name="bob").open()
    await again.connect()
    again.to_say = tone(1_000, seconds=2)
    await asyncio.sleep(3)
    again.bye()
    assert await gateway.outcome(1) == "caller-left"
    assert pitch(again.heard()) == pytest.approx(1_000, abs=1)
    await again.close()


async def test_the_fifth_call_finds_the_wheel_busy(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    server = ("127.0.0.1", settings.port)
    phones = [await Softphone(server, name=f"caller{n}").open() for n in range(settings.calls + 1)]
    for phone in phones[:-1]:
        await phone.connect()
        phone.to_say = tone(1_000, seconds=3)
    phones[-1].invite()
    await phones[-1].until(486)
    await asyncio.sleep(3)
    for phone in phones[:-1]:
        phone.bye()
        assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)
    for number in range(settings.calls):
        assert await gateway.outcome(number) == "caller-left"
    for phone in phones:
        await phone.close()


async def test_a_killed_gateway_leaves_no_caller_on_the_line(tmp_path: Path) -> None:
    settings = WorkerSettings(port=free_port())
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.peers.gatewayprocess",
        str(tmp_path),
        encode(Start(settings)).decode(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    phone = await Softphone(("127.0.0.1", settings.port)).open()
    await phone.connect()
    await asyncio.sleep(0.5)
    process.kill()
    await phone.until_asked("BYE", within_s=4)
    await phone.close()
    await process.wait()


async def test_a_taken_port_is_named(gateway: Exchange, settings: WorkerSettings) -> None:
    second = SipSwitchboard(settings)
    with pytest.raises(LegError, match=f"UDP 127.0.0.1:{settings.port}: Address already in use"):
        await second.start()
    await second.close()

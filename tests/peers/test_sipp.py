"""The same worker against SIPp (Debian: ``sip-tester``), which has a stack of its own.

SIPp speaks SIP; the media is mostly an end of ours, which SIPp's offers name: it tells what came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.legs.sipsettings import WorkerSettings
from media.g711 import ulaw_encode
from tests.gateway.calls import check, of, summary, timeline, tracks
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.loudness import longest_hole_ms, pitch_of, stretches_ms
from tests.peers.rtpend import RtpEnd, apart
from tests.peers.sipp.run import field, has_sipp, replies, sipp
from tests.peers.sipp.scenario import Scenario, offer
from tests.peers.softphone import pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(not has_sipp(), reason="no sipp is installed"),
]


def without_v6() -> bool:
    """The package on PyPI is built without, and aborts; a machine may have none either."""
    return find_spec("pjsua2") is None or not hardened() or not Path("/proc/net/if_inet6").exists()


@pytest.fixture
def settings() -> WorkerSettings:
    fields = ("P-Asserted-Identity", "Diversion", "X-Ticket", "X-Queue")
    return apart(WorkerSettings(port=free_port(), headers=fields))


@pytest.fixture
async def end() -> AsyncIterator[RtpEnd]:
    """Speaks a tone of 1 kHz as long as it is let."""
    one = await RtpEnd().open()
    one.to_say = tone(1_000, seconds=20)
    yield one
    await one.close()


async def left(gateway: Exchange) -> Path:
    """The folder of the first call, whose caller hung up."""
    assert await gateway.outcome() == "caller-left"
    check(gateway.folder())
    return gateway.folder()


@pytest.mark.parametrize(
    ("transport", "host"),
    [
        ("u1", "127.0.0.1"),
        ("t1", "127.0.0.1"),
        pytest.param("u1", "::1", marks=pytest.mark.skipif(without_v6(), reason="no IPv6")),
    ],
)
async def test_sipp_is_heard_and_answered(tmp_path: Path, transport: str, host: str) -> None:
    settings = apart(WorkerSettings(host=host, port=free_port()))
    (tmp_path / "tone.ulaw").write_bytes(ulaw_encode(tone(1_000, seconds=1)))
    calling = Scenario().invite(offer()).ack().play("tone.ulaw").pause(2_500).bye()
    async with exchange(tmp_path, settings=settings) as gateway:
        await sipp(
            calling, folder=tmp_path, port=settings.port, host=host, transport=transport, calls=2
        )
        for number in range(2):
            assert gateway.offers[number].source == host
            assert await gateway.outcome(number) == "caller-left"
            check(gateway.folder(number))
            caller, bot = tracks(gateway.folder(number))
            assert pitch(caller[::2]) == pytest.approx(1_000, abs=1)
            assert pitch(bot[::2]) == pytest.approx(1_000, abs=1)


@pytest.mark.parametrize(
    ("direction", "address", "answered"),
    [
        ("sendonly", "127.0.0.1", "a=recvonly"),
        ("inactive", "127.0.0.1", "a=inactive"),
        ("sendrecv", "0.0.0.0", "c=IN IP4 0.0.0.0"),  # as RFC 2543 had it
    ],
)
async def test_hold_and_resume(
    gateway: Exchange,
    settings: WorkerSettings,
    end: RtpEnd,
    tmp_path: Path,
    direction: str,
    address: str,
    answered: str,
) -> None:
    held = offer(end.port, version=2, direction=direction, address=address)
    calling = Scenario().invite(offer(end.port)).ack().pause(1_700)
    calling.invite(held).ack().pause(1_500)
    calling.invite(offer(end.port, version=3)).ack().pause(2_200).bye()
    messages = await sipp(calling, folder=tmp_path, port=settings.port)
    _, hold, resume = replies(messages, "INVITE")
    assert f"{answered}\n" in hold.text
    assert "a=sendrecv\n" in resume.text
    folder = await left(gateway)
    assert [entry.data["on"] for entry in of(timeline(folder), "held")] == [True, False]
    caller, _ = tracks(folder)  # the far end's tone went on all the while
    before, after = stretches_ms(caller[::2])
    assert after[0] - before[1] == pytest.approx(1_500, abs=300)
    for begin, stop in (before, after):
        assert pitch_of(caller[::2], begin, stop) == pytest.approx(1_000, abs=1)
    heard = end.heard()
    assert pitch(heard[: len(heard) // 2]) == pytest.approx(1_000, abs=1)
    assert pitch(heard[-12_000:]) == pytest.approx(1_000, abs=1)


async def test_an_invite_without_an_offer_is_answered_with_one(
    gateway: Exchange, settings: WorkerSettings, end: RtpEnd, tmp_path: Path
) -> None:
    calling = Scenario().invite("").ack(offer(end.port)).pause(2_200).bye()
    messages = await sipp(calling, folder=tmp_path, port=settings.port)
    (answer,) = replies(messages, "INVITE")
    assert "a=rtpmap:0 PCMU/8000\n" in answer.text
    caller, _ = tracks(await left(gateway))
    assert pitch(caller[::2]) == pytest.approx(1_000, abs=1)
    assert pitch(end.heard()) == pytest.approx(1_000, abs=1)


REFRESHES: dict[str, tuple[str, tuple[int, ...]]] = {
    "the same again": ("INVITE", (0,)),
    "without an offer": ("INVITE", ()),
    "UPDATE": ("UPDATE", (0,)),
    "UPDATE without an offer": ("UPDATE", ()),
    "other codecs": ("INVITE", (0, 8)),
}


@pytest.mark.parametrize("kind", REFRESHES)
async def test_a_call_that_is_renewed_goes_on_both_ways(
    gateway: Exchange, settings: WorkerSettings, end: RtpEnd, tmp_path: Path, kind: str
) -> None:
    method, payloads = REFRESHES[kind]
    body = offer(end.port, version=2, payloads=payloads) if payloads else ""
    calling = Scenario().invite(offer(end.port)).ack().pause(1_200)
    for _ in range(3):
        calling.send(method, body=body).expect(100, optional=True).expect(200)
        if method == "INVITE":
            calling.ack("" if body else offer(end.port, version=2))
        calling.pause(400)
    calling.pause(600).bye()
    messages = await sipp(calling, folder=tmp_path, port=settings.port)
    assert len(replies(messages, method)) == (4 if method == "INVITE" else 3)
    assert not of(timeline(await left(gateway)), "held")
    caller, _ = tracks(gateway.folder())
    assert longest_hole_ms(caller[::2]) <= 60
    assert longest_hole_ms(end.heard()) <= 60
    assert end.missing_ms() <= 60
    assert end.unbroken()
    assert pitch(end.heard()) == pytest.approx(1_000, abs=1)


@pytest.mark.parametrize("stragglers", [False, True])
async def test_another_port_is_followed(
    gateway: Exchange, settings: WorkerSettings, end: RtpEnd, tmp_path: Path, *, stragglers: bool
) -> None:
    other = await RtpEnd().open()
    other.to_say = tone(700, seconds=20)
    calling = Scenario().invite(offer(end.port)).ack().pause(2_100)
    calling.invite(offer(other.port, version=2)).ack().pause(4_000 if stragglers else 2_000).bye()
    running = asyncio.create_task(sipp(calling, folder=tmp_path, port=settings.port))
    await end.until_heard(120 if stragglers else 90)
    other.follow(end)
    end.mute = True
    await running
    await other.close()
    await left(gateway)
    assert pitch(end.heard()) == pytest.approx(1_000, abs=1)
    begin, stop = max(stretches_ms(other.heard()), key=lambda stretch: stretch[1] - stretch[0])
    assert pitch_of(other.heard(), begin, stop) == pytest.approx(700, abs=1)


async def test_a_reliable_ringing_is_acknowledged(
    gateway: Exchange, settings: WorkerSettings, end: RtpEnd, tmp_path: Path
) -> None:
    gateway.warming_s = 0.3
    calling = Scenario().send("INVITE", body=offer(end.port), fields=["Require: 100rel"])
    calling.expect(100, optional=True).prack().expect(200).ack().pause(2_200).bye()
    await sipp(calling, folder=tmp_path, port=settings.port)
    await left(gateway)
    assert pitch(end.heard()) == pytest.approx(1_000, abs=1)


async def test_a_caller_who_gives_up(
    gateway: Exchange, settings: WorkerSettings, tmp_path: Path
) -> None:
    gateway.warming_s = 0.7
    calling = Scenario().send("INVITE", body=offer()).expect(100, optional=True).expect(180)
    calling.pause(200).cancel()
    await sipp(calling, folder=tmp_path, port=settings.port)
    assert not of(timeline(await left(gateway)), "answer")


async def test_no_codec_in_common_is_refused(
    gateway: Exchange, settings: WorkerSettings, tmp_path: Path
) -> None:
    calling = Scenario().send("INVITE", body=offer(payloads=(18,))).expect(100, optional=True)
    await sipp(calling.refused(488), folder=tmp_path, port=settings.port)
    assert not gateway.calls


async def test_options_tell_what_is_spoken(
    gateway: Exchange, settings: WorkerSettings, end: RtpEnd, tmp_path: Path
) -> None:
    outside = Scenario().send("OPTIONS").expect(200)
    (reply,) = replies(await sipp(outside, folder=tmp_path, port=settings.port), "OPTIONS")
    assert {"INVITE", "ACK", "BYE", "CANCEL", "UPDATE"} <= set(field(reply, "Allow").split(", "))


async def test_what_nobody_asked_for_is_refused_and_the_call_goes_on(
    gateway: Exchange, settings: WorkerSettings, end: RtpEnd, tmp_path: Path
) -> None:
    calling = Scenario().invite(offer(end.port)).ack().pause(500)
    calling.send("OPTIONS").expect(200)  # some probe so whether a call is still up
    calling.send("REFER", fields=["Refer-To: <sip:stranger@127.0.0.1:9>"]).expect(603)
    calling.send("SUBSCRIBE", fields=["Event: presence", "Expires: 60"]).expect(500)
    calling.send("PUBLISH", fields=["Event: presence"]).expect(500)
    calling.pause(1_500).bye()
    await sipp(calling, folder=tmp_path, port=settings.port)
    await left(gateway)
    assert longest_hole_ms(end.heard()) <= 60


async def test_nobody_may_subscribe(
    gateway: Exchange, settings: WorkerSettings, tmp_path: Path
) -> None:
    asking = Scenario().send("SUBSCRIBE", fields=["Event: presence", "Expires: 60"]).expect(489)
    await sipp(asking, folder=tmp_path, port=settings.port)
    assert not gateway.offers


async def test_keys_come_by_info_and_by_rtp(
    gateway: Exchange, settings: WorkerSettings, tmp_path: Path
) -> None:
    calling = Scenario().invite(offer()).ack().pause(700)
    relay, plain = "application/dtmf-relay", "application/dtmf"
    calling.send("INFO", kind=relay, body="Signal=5\nDuration=160\n").expect(200).pause(100)
    calling.send("INFO", kind=plain, body="#").expect(200).pause(100)
    for key in ("1", "star", "pound"):
        calling.press(f"/usr/share/sip-tester/dtmf_2833_{key}.pcap").pause(700)
    await sipp(calling.bye(), folder=tmp_path, port=settings.port)
    digits = [entry.data["key"] for entry in of(timeline(await left(gateway)), "digit")]
    assert digits == list("5#1*#")


async def test_header_fields_arrive_however_they_are_written(
    gateway: Exchange, settings: WorkerSettings, end: RtpEnd, tmp_path: Path
) -> None:
    fields = [
        "P-Asserted-Identity: <sip:+4930123@127.0.0.1>",
        "Diversion: <sip:100@127.0.0.1>;reason=busy",
        "diversion:  <sip:200@127.0.0.1>",
        r"\x20;reason=no-answer",
        "X-TICKET:",
        r"\x09seventeen",
        "x-queue: front desk",
        "X-Other: not asked for",
        "s: compact",
    ]
    calling = Scenario().invite(offer(end.port), fields=fields).ack().pause(300).bye()
    await sipp(calling, folder=tmp_path, port=settings.port, callee="+49 30 4711".replace(" ", ""))
    facts = summary(await left(gateway))["facts"]
    assert facts["caller"] == "sipp"
    assert facts["callee"] == "+49304711"
    assert facts["p-asserted-identity"] == "<sip:+4930123@127.0.0.1>"
    diverted = "<sip:100@127.0.0.1>;reason=busy, <sip:200@127.0.0.1> ;reason=no-answer"
    assert facts["diversion"] == diverted
    assert (facts["x-ticket"], facts["x-queue"]) == ("seventeen", "front desk")
    assert not {"x-other", "subject", "s"} & set(facts)

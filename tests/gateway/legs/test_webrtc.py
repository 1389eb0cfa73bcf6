"""Browsers call: a foreign implementation of WebRTC at the other end, over loopback."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from aiortc import RTCPeerConnection
from aiortc.rtp import RtpPacket

from bot.engines.echo import EchoEngine
from bot.engines.scripted import Say, Stop
from gateway.legs.webrtcpeer import check_seams
from gateway.legs.webrtcsdp import LARGEST
from media.frame import MEDIA_RATE
from tests.gateway.calls import check, of, scripted, stepper_of, summary, timeline, tracks
from tests.gateway.legs.browser import RATE, Browser, browser, pitch
from tests.gateway.legs.whipline import SDP, call, hears, line, until

pytestmark = pytest.mark.live


async def test_a_tone_is_heard_both_ways_and_recorded(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser(hz=440.0) as one:
        where = await call(one, http)
        await hears(one, ms=2_500)
        async with http.delete(where) as response:
            assert response.status == 200
        await until(lambda: bool(here.outcomes))
        async with http.delete(where) as response:  # a second time there is nothing to end
            assert response.status == 404
    assert here.outcomes == ["caller-left"]
    heard = one.heard[RATE : 2 * RATE]
    assert pitch(heard, rate=RATE) == pytest.approx(440.0, abs=1.0)
    assert np.abs(heard).max() == pytest.approx(8000, rel=0.1)
    (folder,) = here.folders
    check(folder)
    left, _ = tracks(folder)
    assert pitch(left[MEDIA_RATE : 2 * MEDIA_RATE], rate=MEDIA_RATE) == pytest.approx(440, abs=1.0)
    told = summary(folder)
    assert told["facts"]["codec"] == "opus/48000"
    assert told["webrtc"]["lost"] == 0
    assert told["webrtc"]["received"] > 100


async def test_the_page_is_told_what_the_call_notes_and_presses_keys(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        where = await call(one, http)
        await hears(one, ms=300)
        one.channel.send(json.dumps({"type": "digit", "key": "5"}))
        one.channel.send("nonsense")
        await until(lambda: any('"digit"' in text for text in one.messages))
        await http.delete(where)
        await until(lambda: bool(here.outcomes) and '"outcome"' in one.messages[-1])
    events = [json.loads(text) for text in one.messages]
    assert [event["type"] for event in events] == ["offer", "answer", "digit", "outcome"]
    assert {event["call_id"] for event in events} == {"call-1"}
    assert events[2]["key"] == "5"
    (digit,) = of(timeline(here.folders[0]), "digit")
    assert digit.data["key"] == "5"


async def press(one: Browser, key: int, *, payload: int, source: int = 7) -> None:
    """One packet of telephone-event (RFC 4733)."""
    packet = RtpPacket(payload_type=payload, sequence_number=1, timestamp=4711)
    packet.ssrc, packet.payload = source, bytes((key, 10, 0, 160))
    await one.pc.getSenders()[0].transport._send_rtp(packet.serialize())


async def test_keys_come_as_telephone_events_too(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        offer = await one.offer()
        offer = offer.replace("SAVPF 96 ", "SAVPF 96 110 ", 1)
        offer = offer.replace("a=rtpmap:96 ", "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:96 ")
        async with http.post("/whip", data=offer, headers=SDP) as response:
            where, answer = response.headers["Location"], await response.text()
        assert "a=rtpmap:110 telephone-event/48000" in answer
        await one.take(answer)
        await hears(one, ms=200)
        for _ in range(3):
            await press(one, 11, payload=110)
        await until(lambda: any('"digit"' in text for text in one.messages))
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert [digit.data["key"] for digit in of(timeline(here.folders[0]), "digit")] == ["#"]


async def test_streams_without_number_do_not_harm_a_call(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        where = await call(one, http)
        await hears(one, ms=200)
        for source in range(1_000, 1_100):
            await press(one, 1, payload=96, source=source)
        await hears(one, ms=2_200)  # reports go out each 0.5 to 1.5 s
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]


async def test_a_muted_microphone_does_not_stop_the_call(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        where = await call(one, http)
        await hears(one, ms=600)
        one.microphone.muted = True
        heard = len(one.heard)
        # RTCP goes on, so the far end is there.
        await until(lambda: len(one.heard) - heard >= 2 * RATE)
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]
    left, _ = tracks(here.folders[0])
    assert not left[-MEDIA_RATE // 2 :].any()


async def test_what_is_cut_is_soon_silent(tmp_path: Path) -> None:
    words = " ".join(["this sentence goes on and on"] * 8)
    engine = scripted(Say(words, at=0), Stop(2 * MEDIA_RATE, "barge-in"))
    async with (
        line(tmp_path / "calls", await stepper_of(engine)) as (here, http),
        browser() as one,
    ):
        where = await call(one, http)
        await until(lambda: any('"cut"' in text for text in one.messages))
        spoken = len(one.heard)
        await hears(one, ms=spoken * 1000 // RATE + 500)
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    loud = np.flatnonzero(np.abs(one.heard) > 300)
    assert len(loud) > RATE // 2
    assert (loud[-1] - spoken) * 1000 / RATE <= 250


async def test_a_page_that_is_closed_ends_its_call(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        await call(one, http)
        await hears(one, ms=200)
        await one.close()
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]
    check(here.folders[0])


async def test_a_page_that_never_connects_is_the_callers_fault(tmp_path: Path) -> None:
    async with line(tmp_path / "calls", connect_s=0.3) as (here, http), browser() as one:
        async with http.post("/whip", data=await one.offer(), headers=SDP) as response:
            assert response.status == 201
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller/ice-failed"]


async def test_a_page_that_vanishes_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        await call(one, http)
        await hears(one, ms=200)

        async def nothing(data: bytes) -> None:
            return None

        inside = one.pc.getTransceivers()[0].receiver.transport.transport
        monkeypatch.setattr(inside, "_send", nothing)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller/media-silent"]


async def test_without_a_seat_the_page_is_told_when_to_try_again(tmp_path: Path) -> None:
    stepper = await stepper_of(EchoEngine(width=1))
    async with line(tmp_path / "calls", stepper) as (here, http), browser() as one:
        where = await call(one, http)
        async with (
            browser() as other,
            http.post("/whip", data=await other.offer(), headers=SDP) as response,
        ):
            assert response.status == 503
            assert int(response.headers["Retry-After"]) > 0
            assert response.content_type == "application/problem+json"
        await http.delete(where)
        await until(lambda: len(here.outcomes) == 2)
    assert sorted(here.outcomes) == ["bot/no-free-seat", "caller-left"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"hello", "application/sdp", 400),
        (b"\xff\xfe", "application/sdp", 400),
        (b"v=0\r\n" + b"a=x\r\n" * LARGEST, "application/sdp", 400),
        (b"{}", "application/json", 415),
        (b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", "application/sdp", 422),
    ],
)
async def test_a_bad_offer_is_refused_and_leaves_nothing(
    tmp_path: Path, body: bytes, kind: str, status: int
) -> None:
    async with line(tmp_path / "calls") as (here, http):
        async with http.post("/whip", data=body, headers={"Content-Type": kind}) as response:
            assert response.status == status
            assert (await response.json())["detail"]
        assert here.folders == []


async def test_other_methods_are_refused_by_name(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (_, http):
        async with http.options("/whip") as response:
            assert response.status == 204
            assert response.headers["Accept-Post"] == "application/sdp"
        for method, path in (("PATCH", "/whip/x"), ("GET", "/whip"), ("POST", "/whip/x")):
            async with http.request(method, path) as response:
                assert response.status == 405


async def test_the_library_is_inside_as_we_know_it() -> None:
    connection = RTCPeerConnection()
    receiver = connection.addTransceiver("audio").receiver
    check_seams(receiver)
    await connection.close()

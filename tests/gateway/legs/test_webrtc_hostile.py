"""Strangers at the port of a call, and callers who do what no browser does."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from aiortc.rtcsctptransport import WEBRTC_STRING, DataChunk
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket, RtpPacket

from gateway.legs.webrtcgate import CHANNELS, WINDOW
from tests.gateway.calls import of, summary, timeline
from tests.gateway.legs.browser import RATE, Browser, browser
from tests.gateway.legs.whipline import call, hears, line, until

pytestmark = pytest.mark.live
OPUS = 96  # the payload type of aiortc's offers


def place(one: Browser) -> tuple[str, int]:
    """Where the gateway takes the call's packets."""
    found = re.search(r"udp \d+ (\S+) (\d+) typ host", one.pc.remoteDescription.sdp)
    assert found is not None
    return found[1], int(found[2])


def packet(
    source: int, *, sequence: int, timestamp: int, payload: bytes = b"\xf8\xff\xfe"
) -> bytes:
    """RTP as the caller's own keys will protect it."""
    made = RtpPacket(payload_type=OPUS, sequence_number=sequence, timestamp=timestamp)
    made.ssrc, made.payload = source, payload
    return made.serialize()


async def send(one: Browser, packets: Sequence[bytes]) -> None:
    for each in packets:
        await one.pc.getSenders()[0].transport._send_rtp(each)


def dtls(kind: int) -> bytes:
    """A record of DTLS 1.2 that says nothing."""
    return pack("!BHHIHH", kind, 0xFEFD, 0, 0, 1, 12) + bytes(12)


STRANGE = [b"", b"\x00", bytes(20), bytes([1, 1, 0, 0]) + bytes(16), b"\x16", dtls(22), dtls(21)]
STRANGE += [b"\x80", b"\x80\xc8", b"\x90" + bytes(60), b"\xff" * 1200, bytes([127]) * 40]


async def test_a_strangers_datagrams_change_nothing(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        where = await call(one, http)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(20):  # while keys are being agreed on, and afterwards
                for each in STRANGE:
                    stranger.sendto(each, place(one))
                await asyncio.sleep(0.02)
        await hears(one, ms=800)
        assert here.outcomes == []
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]
    assert summary(here.folders[0])["webrtc"]["lost"] == 0


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(lambda n: (n, 4294967295 * (n % 2)), id="there and back"),
        pytest.param(lambda n: (n * 9_973, n * 2_654_435_761), id="anything"),
        pytest.param(lambda n: (65_400 + n, 2**32 - 60_000 + 960 * n), id="wrapped"),
    ],
)
async def test_absurd_numbers_harm_neither_the_call_nor_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, numbers: Callable[[int], tuple[int, int]]
) -> None:
    caplog.set_level(logging.INFO)
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        where = await call(one, http)
        await hears(one, ms=100)
        for n in range(500):
            sequence, timestamp = numbers(n)
            absurd = packet(7, sequence=sequence % 2**16, timestamp=timestamp % 2**32)
            await send(one, [absurd])
            await asyncio.sleep(0.002 * (n % 2))
        await hears(one, ms=2_500)  # reports go out each 0.5 to 1.5 s
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]
    assert "does not close" not in caplog.text
    assert "hanging up" not in caplog.text


async def test_requests_to_send_again_are_not_heeded(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        where = await call(one, http)
        await hears(one, ms=1_000)
        inside: Any = one.pc.getReceivers()[0]
        ((source, stream),) = inside._RTCRtpReceiver__remote_streams.items()
        latest = [(stream.max_seq - back) % 2**16 for back in range(39, -1, -1)]
        storm = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=source, lost=latest)
        transport: Any = one.pc.getReceivers()[0].transport
        came = transport._RTCDtlsTransport__rx_packets
        await send(one, [bytes(storm)] * 25)  # each packet a thousand times
        await hears(one, ms=1_600)
        assert transport._RTCDtlsTransport__rx_packets - came < 100
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]


async def test_a_key_is_pressed_after_whatever_else_came_by_the_data_channel(
    tmp_path: Path,
) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        where = await call(one, http)
        await hears(one, ms=200)
        others = [one.pc.createDataChannel(f"other-{n}") for n in range(CHANNELS - 2)]
        await until(lambda: all(other.readyState == "open" for other in others))
        for said in ("", "x" * 60_000, b"", bytes(60_000), "[" * 60_000, '{"type": "digit"}'):
            one.channel.send(said)
            others[0].send(said)
        others[1].send('{"type": "digit", "key": "1"}')
        one.channel.send('{"type": "digit", "key": "2"}')
        await until(lambda: any('"digit"' in text for text in one.messages))
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert [digit.data["key"] for digit in of(timeline(here.folders[0]), "digit")] == ["2"]


@pytest.mark.parametrize("abuse", ["channels", "window", "no-text", "holes"])
async def test_a_data_channel_that_is_abused_falls_silent_and_the_call_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, abuse: str
) -> None:
    caplog.set_level(logging.INFO, logger="gateway")
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        where = await call(one, http)
        await until(lambda: one.channel.readyState == "open")
        await hears(one, ms=100)
        inside: Any = one.pc.sctp
        match abuse:
            case "channels":
                for number in range(2 * CHANNELS):
                    one.pc.createDataChannel(f"other-{number}")
            case "window":  # a message that does not end
                await inside._send(0, WEBRTC_STRING, b"x" * (WINDOW + 70_000))
            case "no-text":
                await inside._send(one.channel.id, WEBRTC_STRING, b"\xff")
            case "holes":
                for number in range(0, 2_000, 2):
                    chunk = DataChunk(flags=3)
                    chunk.tsn = (inside._local_tsn + 1 + number) % 2**32
                    chunk.stream_id, chunk.protocol, chunk.user_data = 0, WEBRTC_STRING, b"x"
                    await inside._send_chunk(chunk)
        await until(lambda: "is heard no more" in caplog.text)
        heard = len(one.heard) * 1_000 // RATE
        await hears(one, ms=heard + 300)
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]
    assert "unexpected" not in caplog.text

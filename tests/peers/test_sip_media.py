"""The sound of SIP calls over real sockets: codecs, lost and late packets, moves, re-INVITEs."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gateway.legs.sipsettings import WorkerSettings
from media.frame import Pcm, silence
from tests.gateway.calls import of, summary, timeline, tracks
from tests.peers.calling import calling, left
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.loudness import longest_hole_ms, stretches_ms
from tests.peers.payloads import CODERS
from tests.peers.softphone import RATE, Softphone, pitch, tone
from tests.peers.way import Reporter, Way

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]
KEYS = "1234567890*#"
HARDENED = pytest.mark.skipif(not hardened(), reason="the wheel believes a stranger's tenth packet")


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), media_timeout_s=5.0)


@pytest.mark.parametrize(
    ("codec", "rate"),
    [("PCMU", 8_000), ("PCMA", 8_000), ("PCMU", 16_000), ("PCMA", 16_000), ("G722", 16_000)],
)
async def test_a_tone_is_the_same_tone_both_ways(tmp_path: Path, codec: str, rate: int) -> None:
    settings = WorkerSettings(port=free_port(), codecs=("PCMU", "PCMA", "G722"), rate=rate)
    async with exchange(tmp_path, settings=settings) as gateway:
        async with calling(Softphone(("127.0.0.1", settings.port), codec=codec)) as phone:
            phone.to_say = tone(1_000, seconds=2.5, rate=phone.line.coder.rate)
            await phone.until_heard(150)
        folder = await left(gateway)
    assert pitch(phone.heard(), rate=phone.line.coder.rate) == pytest.approx(1_000, abs=1)
    for track in tracks(folder):
        assert pitch(track, rate=16_000) == pytest.approx(1_000, abs=1)
    assert summary(folder)["facts"]["codec"] == f"{codec}/8000"


async def test_loss_shortens_no_call_and_swallows_no_key(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    phone = Softphone(("127.0.0.1", settings.port), way=Way(loss=0.05, seed=5))
    clock = asyncio.get_running_loop()
    async with calling(phone):
        reporter = await Reporter(delay_ms=80, lost=3).open(phone.line.port)
        began = clock.time()
        phone.to_say = tone(1_000, seconds=30)
        for key in KEYS:
            await phone.until_heard(20)
            phone.press(key)
        await phone.until_heard(10)  # what comes by RTP and what by SIP may overtake each other
        for plain, key in enumerate("5#"):
            phone.info(key, plain=bool(plain))
            await phone.until(200, method="INFO")
        lasted_s = clock.time() - began
        lost = phone.line.way.lost
    reporter.close()
    folder = await left(gateway)
    assert [entry.data["key"] for entry in of(timeline(folder), "digit")] == [*KEYS, "5", "#"]
    caller, _ = tracks(folder)
    assert len(caller) / 16_000 == pytest.approx(lasted_s, abs=0.05)
    assert longest_hole_ms(caller[::2]) <= 20
    rtp = summary(folder)["rtp"]
    assert rtp["lost"] == pytest.approx(lost, abs=2)
    assert rtp["received"] == pytest.approx(phone.line.sent - lost, abs=3)
    assert rtp["sent"] == pytest.approx(len(phone.arrivals), abs=5)
    assert rtp["lost_there"] == 3
    assert rtp["round_trip_ms"] == pytest.approx(80, abs=25)
    assert 2.5 < rtp["mos"] < 4.0
    assert summary(folder)["sip"] == {
        "code": 200,
        "reason": "Normal call clearing",
        "by": "far-end",
    }


@HARDENED
async def test_a_gap_is_bridged_for_60_ms_and_then_silent(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    async with calling(Softphone(("127.0.0.1", settings.port))) as phone:
        phone.to_say = tone(1_000, seconds=30)
        await phone.line.until_sent(75)
        phone.line.way = Way(loss=1.0)
        await phone.line.until_sent(90)
        phone.line.way = Way()
        await phone.line.until_sent(150)
    folder = await left(gateway)
    gone_ms = 20 * summary(folder)["rtp"]["lost"]
    assert gone_ms == pytest.approx(300, abs=40)
    assert gone_ms - 100 <= longest_hole_ms(tracks(folder)[0][::2]) <= gone_ms - 20


async def test_late_packets_wait_in_a_bounded_buffer(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    beep, pause = tone(1_000, seconds=0.3), silence(RATE * 7 // 10)
    async with calling(Softphone(("127.0.0.1", settings.port))) as phone:
        phone.to_say = np.concatenate([np.concatenate([pause, beep])] * 8)
        await phone.line.until_sent(100)
        phone.line.way = Way(jitter_ms=120, seed=7)  # in disorder: 20 ms lie between two packets
        await phone.line.until_sent(250)
        phone.line.way = Way()
        await phone.line.until_sent(410)
    folder = await left(gateway)
    began = [begin for begin, end in stretches_ms(tracks(folder)[0][::2]) if end - begin > 100]
    assert len(began) == 8
    late = [at - began[0] - 1_000 * number for number, at in enumerate(began)]
    assert all(-20 <= one <= 200 for one in late)
    assert abs(late[-1]) <= 40
    rtp = summary(folder)["rtp"]
    assert rtp["jitter_ms"]["max"] > 20
    assert rtp["buffer_ms"]["max"] <= 200


def strength(pcm: Pcm, hz: float) -> float:
    """Of one frequency in a run at 16 kHz, in dB of the strongest of all."""
    spectrum = np.abs(np.fft.rfft(pcm.astype(float) * np.hanning(len(pcm))))
    place = round(hz * len(pcm) / 16_000)
    return float(20 * np.log10(spectrum[place - 10 : place + 11].max() / spectrum.max() + 1e-9))


async def stranger(phone: Softphone, *, packets: int, seconds: float) -> None:
    """Somebody else's packets, of a tone of their own, in between the phone's."""
    other = await Softphone(phone.server, name="mallory").open()
    other.to_say = tone(2_500, seconds=seconds)
    other.line.aim(phone.line.far)
    other.talk()
    await other.line.until_sent(packets)
    await other.close()


@HARDENED
async def test_a_stranger_among_the_packets_is_not_heard(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    async with calling(Softphone(("127.0.0.1", settings.port))) as phone:
        phone.to_say = tone(1_000, seconds=30)
        await phone.until_heard(50)
        await stranger(phone, packets=175, seconds=5)
        await phone.until_heard(25)
    folder = await left(gateway)
    caller, _ = tracks(folder)
    assert pitch(caller, rate=16_000) == pytest.approx(1_000, abs=1)
    assert strength(caller, 2_500) < -40
    assert not of(timeline(folder), "moved")
    assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)


@HARDENED
async def test_a_phone_that_changes_its_address_is_followed(
    gateway: Exchange, settings: WorkerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gateway.legs.sipleg")
    async with calling(Softphone(("127.0.0.1", settings.port))) as phone:
        phone.to_say = tone(1_000, seconds=30)
        await phone.until_heard(50)
        await phone.line.rebind()
        await phone.line.until_sent(phone.line.sent + 260)
    folder = await left(gateway)
    (moved,) = of(timeline(folder), "moved")
    assert moved.data == {"source": f"127.0.0.1:{phone.line.port}"}
    assert f"the sound comes from 127.0.0.1:{phone.line.port} now" in caplog.text
    caller, _ = tracks(folder)
    assert pitch(caller[-2 * 16_000 :], rate=16_000) == pytest.approx(1_000, abs=1)
    assert 1_800 < longest_hole_ms(caller[::2]) < 2_200  # a stranger would take as long


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
async def test_media_that_moves_by_a_new_offer_goes_on_both_ways(
    gateway: Exchange, settings: WorkerSettings, codec: str
) -> None:
    async with calling(Softphone(("127.0.0.1", settings.port))) as phone:
        phone.to_say = tone(1_000, seconds=30)
        await phone.until_heard(75)
        await phone.line.rebind()
        phone.line.coder = CODERS[codec]()
        phone.invite()
        await phone.until(200)
        phone.ack()
        start = len(phone.arrivals)
        await phone.until_heard(100)
    lasted_ms = 1_000 * (phone.arrivals[-1] - phone.arrivals[0])
    assert lasted_ms - 20 * (len(phone.arrivals) - 1) <= 60  # sound that never went out
    folder = await left(gateway)
    assert longest_hole_ms(tracks(folder)[0][::2]) <= 60
    assert pitch(phone.heard(start)) == pytest.approx(1_000, abs=1)
    call = summary(folder)
    assert call["facts"]["codec"] == f"{codec}/8000"
    assert call["rtp"]["sent"] == pytest.approx(len(phone.arrivals), abs=3)
    assert call["rtp"]["received"] == pytest.approx(phone.line.sent, abs=8)
    assert call["rtp"]["mos"] > 4.0


async def test_the_codec_of_a_call_without_an_offer_is_known(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    phone = await Softphone(("127.0.0.1", settings.port), codec="PCMA").open()
    phone.invite(body="")
    await phone.until(200)
    phone.ack(phone.sdp())
    phone.talk()
    await phone.until_heard(30)
    phone.bye()
    assert summary(await left(gateway))["facts"]["codec"] == "PCMA/8000"
    await phone.close()

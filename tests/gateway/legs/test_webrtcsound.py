"""A browser's sound: unbroken whatever comes, and packets that cost nothing in silence."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.legs.webrtcsdp import Checked
from gateway.legs.webrtcsound import FADE, Ear, Mouth, rate_of
from media import opus
from media.frame import MEDIA_RATE, PACKET, Pcm


def offered(codec: str) -> Checked:
    return Checked(
        sdp="", codec=codec, payload=0, digits=None, speaks=True, data=False,
        sections=(), taken=frozenset(),
    )  # fmt: skip


def tone(rate: int, *, packet: int) -> Pcm:
    samples = PACKET * rate // MEDIA_RATE
    at = (np.arange(samples) + packet * samples) / rate
    return (8000 * np.sin(2 * np.pi * 500 * at)).astype(np.int16)


@pytest.mark.parametrize("codec", ["opus/48000", "PCMU/8000", "PCMA/8000"])
def test_what_one_end_says_the_other_hears(codec: str) -> None:
    offer = offered(codec)
    ear, mouth, rate = Ear(offer), Mouth(offer, bitrate=24_000), rate_of(offer)
    heard = []
    for number in range(60):
        payload = mouth.encode(tone(rate, packet=number))
        timestamp = number * mouth.clock_rate // 50
        ear.put(number, timestamp, payload, source=1, at=number * PACKET)
        heard.append(ear.listen(at=number * PACKET))
    ear.close()
    mouth.close()
    assert {len(pcm) for pcm in heard} == {rate // 50}
    end = np.concatenate(heard)[-rate // 2 :].astype(float)
    assert np.sqrt(np.mean(end**2)) == pytest.approx(8000 / np.sqrt(2), rel=0.1)
    spectrum = np.abs(np.fft.rfft(end * np.hanning(len(end)), 1 << 18))
    assert np.argmax(spectrum) * rate / (1 << 18) == pytest.approx(500, abs=1.0)


@pytest.mark.parametrize("codec", ["opus/48000", "PCMU/8000"])
def test_without_packets_there_is_silence_of_the_right_length(codec: str) -> None:
    ear = Ear(offered(codec))
    for number in range(20):
        pcm = ear.listen(at=number * PACKET)
        assert len(pcm) == ear.rate // 50
        assert not pcm.any()
    ear.close()


def test_packets_that_are_none_are_counted_and_do_no_harm() -> None:
    ear = Ear(offered("opus/48000"))
    for number in range(30):
        noise = bytes((number * 37 % 256, 255, number)) * 5
        ear.put(number, number * 960, noise, source=1, at=number * PACKET)
        assert len(ear.listen(at=number * PACKET)) == ear.rate // 50
    ear.close()


def test_a_silence_that_lasts_is_not_encoded_anew() -> None:
    mouth = Mouth(offered("opus/48000"), bitrate=24_000)
    loud = tone(24_000, packet=0)
    assert mouth.encode(loud) != opus.SILENCE
    quiet = [mouth.encode(np.zeros(480, np.int16)) for _ in range(FADE + 5)]
    assert quiet[FADE:] == [opus.SILENCE] * 5
    assert mouth.encode(loud) != opus.SILENCE
    mouth.close()

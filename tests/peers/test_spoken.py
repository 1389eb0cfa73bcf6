"""``parley serve`` with the embedded bot: a spoken question gets a spoken answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bot.engines.embedded.parts import load
from media.frame import MEDIA_RATE, Pcm, silence
from media.g711 import ulaw_decode, ulaw_encode
from media.resample import Resampler
from tests.gateway.calls import check, summary, tracks, transcript
from tests.peers.loudness import loud
from tests.peers.serving import Served, served
from tests.peers.sipp.run import has_sipp, sipp
from tests.peers.sipp.scenario import Scenario, offer
from tests.peers.softphone import PACKET, RATE, Softphone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.live,
    pytest.mark.weights,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]
ROOT = Path(__file__).resolve().parents[2]
GREETING_MS = 7_500  # the greeting and what comes before it are over by then


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as here:
        yield here


@cache
def question() -> Pcm:
    """A caller who asks for the opening hours, out of a sample call, at 8 kHz."""
    told = (ROOT / "samples" / "question.wav").read_bytes()
    body = told[told.index(b"data") + 8 :]  # mu-law
    return ulaw_decode(body[5_500 * 8 : 7_600 * 8])


def at_8k(pcm: Pcm) -> Pcm:
    return resampled(pcm, MEDIA_RATE, RATE)


def resampled(pcm: Pcm, rate: int, wanted: int) -> Pcm:
    resampler = Resampler(rate, wanted)
    return np.concatenate([resampler.push(np.ascontiguousarray(pcm)), resampler.flush()])


def said(folder: Path) -> tuple[str, str, str]:
    """What the bot said first, the caller, and the bot thereupon."""
    lines = transcript(folder)
    asked = next(n for n, line in enumerate(lines) if line["speaker"] == "caller")
    before = " ".join(line["text"] for line in lines[:asked])
    after = " ".join(line["text"] for line in lines[asked + 1 :] if line["speaker"] == "bot")
    return before, lines[asked]["text"].lower(), after


def answered(folder: Path) -> None:
    """The call's folder tells of greeting, question and answer, in words and in sound."""
    check(folder)
    assert summary(folder)["outcome"] == {"fault": "none", "reason": "caller-left"}
    greeting, asked, reply = said(folder)
    assert "Willow Street Dental" in greeting
    assert "opening hours" in asked
    assert "Monday to Thursday" in reply
    caller, bot = tracks(folder)
    for line in transcript(folder):
        track = bot if line["speaker"] == "bot" else caller
        spoken = at_8k(track[line["start"] : line["end"]])
        assert loud(spoken, above=200).mean() > 0.4, line


async def spoken(phone: Softphone, *, within_s: float) -> None:
    """Wait until the phone has heard something, and then a second of nothing."""
    start = len(phone.heard())
    async with asyncio.timeout(within_s):
        while True:
            await asyncio.sleep(0.1)
            windows = loud(phone.heard()[start:], above=200)
            if windows.any() and not windows[-50:].any():
                return


@pytest.mark.skipif(not has_sipp(), reason="no sipp is installed")
async def test_a_question_through_sipp_is_answered(gateway: Served, tmp_path: Path) -> None:
    sound = np.concatenate([silence(GREETING_MS * RATE // 1000), question(), silence(12 * RATE)])
    (tmp_path / "question.ulaw").write_bytes(ulaw_encode(sound))
    calling = Scenario().invite(offer()).ack().play_once("question.ulaw").pause(18_000).bye()
    await sipp(calling, folder=tmp_path, port=gateway.port, callee="bot")
    answered(await gateway.ended())


async def test_what_the_caller_hears_is_what_was_recorded(gateway: Served) -> None:
    phone = await Softphone(("127.0.0.1", gateway.port)).open()
    await phone.connect()
    await spoken(phone, within_s=15)
    phone.to_say = question()
    await spoken(phone, within_s=20)
    phone.bye()
    await phone.until(200, method="BYE")
    heard = phone.heard()
    await phone.close()
    folder = await gateway.ended()
    answered(folder)
    words = load().recognizer.transcribe(resampled(heard, RATE, MEDIA_RATE)).lower()
    assert "virtual receptionist" in words
    assert "monday to thursday" in words
    _, bot = tracks(folder)
    whole(heard, at_8k(bot))


def whole(heard: Pcm, recorded: Pcm) -> None:
    """The far end heard the recording's bot from its first sound on, and the same sounds.

    Both went through mu-law and the recording through a resampler, hence not bit for bit.
    """
    first = int(np.argmax(loud(recorded, above=200))) * PACKET
    greeting = recorded[max(0, first - PACKET) :][: 2 * RATE].astype(np.float64)
    size = 1 << (len(heard) + len(greeting)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(greeting, size)), size)
    place = int(np.argmax(match[: len(heard)]))
    there = heard[place : place + len(greeting)].astype(np.float64)
    beginning = slice(0, PACKET + RATE // 5)  # the first 200 ms
    for part in (beginning, slice(0, len(there))):
        noise = there[part] - greeting[part]
        ratio = 10 * np.log10((there[part] ** 2).sum() / (noise**2).sum())
        assert ratio > 20, f"{ratio:.0f} dB"

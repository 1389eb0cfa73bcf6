"""A call of its own, from beginning to end through the HTTP interface of a real gateway."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from media.frame import MEDIA_RATE, Pcm
from tests.peers.callee import Callee
from tests.peers.serving import served
from tests.peers.softphone import pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]
HERTZ = 1_000
SAID_S = 2  # of it are heard before we look at what there is so far
KEPT_S = 5.0  # until a call that was hung up is complete


@pytest.fixture
async def callee() -> AsyncIterator[Callee]:
    one = await Callee().open()
    yield one
    await one.close()


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    settings = ("bot=echo", "webrtc.enabled=false", "sip.outbound.enabled=true")
    async with served(tmp_path, *settings) as here, aiohttp.ClientSession(here.url) as client:
        yield client


def sound(data: bytes) -> tuple[int, Pcm]:
    """Channels and samples of a WAV file at 16 kHz."""
    with wave.open(io.BytesIO(data)) as file:
        assert file.getframerate() == MEDIA_RATE
        assert 44 + file.getnframes() * file.getnchannels() * 2 == len(data)
        return file.getnchannels(), np.frombuffer(file.readframes(file.getnframes()), "<i2")


async def test_a_call_is_made_looked_at_ended_and_found(
    http: aiohttp.ClientSession, callee: Callee
) -> None:
    async def get(path: str) -> Any:
        async with http.get(path) as got:
            assert got.status == 200, path
            return await (got.json() if "json" in got.content_type else got.read())

    async with http.post("/v1/calls", json={"to": callee.uri}) as got:
        assert got.status == 201
        where, call_id = got.headers["Location"], (await got.json())["call_id"]
    invite = await callee.until_asked("INVITE")
    callee.reply(invite, 180, "Ringing")
    callee.reply(invite, 200, body=callee.sdp())
    await callee.until_asked("ACK")
    callee.line.to_say = tone(HERTZ, seconds=60)
    callee.line.talk()
    assert [call["call_id"] for call in (await get("/v1/calls?leg=sip"))["calls"]] == [call_id]
    async with asyncio.timeout(SAID_S + 10):
        while len(so_far := await get(f"{where}/audio?track=caller")) < SAID_S * 2 * MEDIA_RATE:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    channels, said = sound(so_far)
    assert channels == 1
    assert pitch(said[::2]) == pytest.approx(HERTZ, abs=1)
    assert sound(await get(f"{where}/audio"))[0] == 2
    assert [fact["type"] for fact in await get(f"{where}/timeline")][:2] == ["offer", "answer"]
    assert await get(f"{where}/transcript") == []

    async with http.delete(where) as got:
        assert got.status == 204
    await callee.until_asked("BYE")
    async with asyncio.timeout(KEPT_S):
        while (call := await get(where)).get("live"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert call["outcome"] == {"fault": "none", "reason": "hung-up"}
    assert call["facts"]["direction"] == "outbound"
    for query in ("leg=sip", "outcome=hung-up", "outcome=none/hung-up&since=2026-01-01T00:00:00Z"):
        assert (await get(f"/v1/calls?{query}"))["calls"] == [call]
    assert (await get("/v1/calls?outcome=gateway"))["calls"] == []
    for track in ("caller", "bot"):
        channels, kept = sound(await get(f"{where}/audio?track={track}"))
        assert (channels, len(kept)) == (1, call["duration"])
        assert pitch(kept[::2]) == pytest.approx(HERTZ, abs=1)


async def test_who_may_not_be_called_is_not(http: aiohttp.ClientSession, callee: Callee) -> None:
    for to, status in [("sip:1234@192.0.2.7", 403), ("1234", 400)]:
        async with http.post("/v1/calls", json={"to": to}) as got:
            assert got.status == status
    assert callee.requests == []

"""How a SIP call begins: nothing of what the bot says first is lost, however the phone begins."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bot.batch import StepBatch, StepResult
from bot.engine import EngineSpec, SessionOptions
from gateway.legs.sipsettings import WorkerSettings
from media.frame import Pcm, silence
from media.g711 import ulaw_decode, ulaw_encode
from tests.gateway.calls import summary
from tests.peers.calling import calling, left
from tests.peers.exchange import exchange, free_port
from tests.peers.softphone import PACKET, RATE, Softphone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), media_timeout_s=5.0)


class Greeter:
    """Says ``said`` (8 kHz) from its first step on, and nothing else."""

    def __init__(self, said: Pcm) -> None:
        self.spec = EngineSpec(name="greeter", rate_out=RATE)
        self._rest = said

    def reset(self, row: int, options: SessionOptions) -> None: ...

    def step(self, batch: StepBatch) -> StepResult:
        size = self.spec.n_out
        block, self._rest = self._rest[:size], self._rest[size:]
        block = np.concatenate([block, silence(size - len(block))])
        return StepResult(pcm=block[None], events=((),))

    def ready(self, row: int) -> bool:
        return True

    def release(self, row: int) -> None: ...

    def close(self) -> None: ...


def said(heard: Pcm) -> bytes:
    """What was heard without packets of silence; on a busy machine some lie between the others."""
    packets = heard.reshape(-1, PACKET)
    return packets[packets.any(axis=1)].tobytes()


@pytest.mark.parametrize(
    ("late_s", "told"), [(0.0, "127.0.0.1"), (0.3, "127.0.0.1"), (0.3, "127.0.0.9")]
)
async def test_every_sample_of_the_greeting_arrives(
    tmp_path: Path, settings: WorkerSettings, late_s: float, told: str
) -> None:
    noise = np.random.default_rng(3).integers(-8_000, 8_000, RATE).astype(np.int16)
    async with exchange(tmp_path, settings=settings, engine=Greeter(noise)) as gateway:
        # Behind an address translator (the last case) the address told is not where it listens.
        phone = await Softphone(("127.0.0.1", settings.port), told=told).open()
        phone.invite()
        await phone.until(200)
        phone.ack()
        await asyncio.sleep(late_s)
        phone.talk()
        began = asyncio.get_running_loop().time()
        await phone.until_heard(80)
        phone.bye()
        await left(gateway)
        await phone.close()
    assert said(phone.heard()) == ulaw_decode(ulaw_encode(noise)).tobytes()
    assert phone.arrivals[0] - began < 1.0


async def test_a_phone_that_sends_nothing_is_greeted_all_the_same(
    tmp_path: Path, settings: WorkerSettings
) -> None:
    noise = np.random.default_rng(4).integers(-8_000, 8_000, RATE).astype(np.int16)
    async with exchange(tmp_path, settings=settings, engine=Greeter(noise)) as gateway:
        phone = Softphone(("127.0.0.1", settings.port))
        phone.mute = True
        async with calling(phone):
            await phone.until_heard(125)
        folder = await left(gateway)
    assert said(phone.heard()) == ulaw_decode(ulaw_encode(noise)).tobytes()
    assert summary(folder)["rtp"]["mos"] is None

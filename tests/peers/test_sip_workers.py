"""Several SIP workers: what one of them loses the others do not."""

from __future__ import annotations

import asyncio
import os
import signal
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gateway.legs.sipsettings import WorkerSettings, part
from tests.gateway.calls import check, tracks
from tests.peers.exchange import Exchange, exchange, free_port
from tests.peers.softphone import Softphone, pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]


async def test_a_killed_worker_takes_only_its_own_calls_with_it(tmp_path: Path) -> None:
    whole = WorkerSettings(port=free_port(), rtp_port_min=21_000, rtp_port_max=21_199)
    first, second = (part(whole, place, of=2) for place in (0, 1))
    async with (
        exchange(tmp_path / "first", settings=first) as one,
        exchange(tmp_path / "second", settings=second) as other,
    ):
        doomed = await Softphone(("127.0.0.1", first.port), name="doomed").open()
        lucky = await Softphone(("127.0.0.1", second.port), name="lucky").open()
        for phone in (doomed, lucky):
            await phone.connect()
            phone.to_say = tone(1_000, seconds=4)
        await asyncio.sleep(1.5)
        assert one.board.pid is not None
        os.kill(one.board.pid, signal.SIGKILL)
        assert await one.outcome() == "gateway/sip-worker-lost"
        assert not one.board.up
        check(one.folder())
        await _up_again(one)
        await asyncio.sleep(2)
        lucky.bye()
        assert await other.outcome() == "caller-left"
        assert other.board.restarts == 0
        assert pitch(lucky.heard()) == pytest.approx(1_000, abs=1)
        _assert_unbroken(other.folder())
        await _another_call(one, first.port)
        for phone in (doomed, lucky):
            await phone.close()


async def _up_again(one: Exchange) -> None:
    async with asyncio.timeout(15):
        while not one.board.up:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert one.board.restarts <= 1  # counted a moment later


async def _another_call(one: Exchange, port: int) -> None:
    phone = await Softphone(("127.0.0.1", port), name="next").open()
    await phone.connect()
    phone.bye()
    assert await one.outcome(1) == "caller-left"
    await phone.close()


def _assert_unbroken(folder: Path) -> None:
    """The tone that was heard goes on without a hole, from its first sample to its last."""
    left, _ = tracks(folder)
    loud = np.flatnonzero(np.abs(left.astype(int)) > 1_000)
    assert len(loud) > 2.5 * 16_000
    assert np.diff(loud).max() < 16 * 5  # a sine of 1 kHz is loud every half millisecond

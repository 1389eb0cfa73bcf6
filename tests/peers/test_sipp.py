"""The same worker against SIPp (Debian: ``sip-tester``), which has a stack of its own.

SIPp speaks SIP; the media is mostly an end of ours, which SIPp's offers name: it tells what came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.legs.sipsettings import WorkerSettings
from media.g711 import ulaw_encode
from tests.gateway.calls import check, of, summary, timeline, tracks
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.loudness import longest_hole_ms, pitch_of, stretches_ms
from tests.peers.rtpend import RtpEnd
from tests.peers.sipp.run import field, has_sipp, replies, sipp
from tests.peers.sipp.scenario import Scenario, offer
from tests.peers.softphone import pitch, tone

pytestmark = [
    pytest.mark.peers,
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
    return WorkerSettings(port=free_port(), headers=fields)


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
    settings = WorkerSettings(host=host, port=free_port())
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
        ("sendonly", "127.0.0.1", "recvonly"),
        ("inactive", "127.0.0.1", "inactive"),
        ("sendrecv", "0.0.0.0", "inactive"),  # as RFC 2543 had it
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
    calling.invite(offer(end.port, version=3)).ack().pause(1_900).bye()
    messages = await sipp(calling, folder=tmp_path, port=settings.port)
    _, hold, resume = replies(messages, "INVITE")
    assert f"a={answered}\n" in hold.text
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

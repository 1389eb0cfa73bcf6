"""A call that we make, seen from the leg: what goes out, what comes of it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import NoAnswer, Rejected, WorkerLost
from gateway.legs.sipcodes import refused, unregistered
from gateway.legs.sipdial import Dialling
from gateway.legs.sipleg import SipLeg
from gateway.legs.sipprotocol import Bye, Command, Confirmed, Dial, Ended, Progress
from gateway.legs.sipsettings import WorkerSettings
from gateway.outcome import STOPPED
from media.playout import Playout


class Line:
    """A leg that dials, and what it says to its worker."""

    def __init__(self, *, ring_s: float = 5.0) -> None:
        self.sent: list[Command] = []
        self.codes: list[int] = []
        dialling = Dialling(
            "sip:1@pbx.example",
            ring_s=ring_s,
            headers={"X-Ticket": "17"},
            told=lambda progress: self.codes.append(progress.code),
        )
        self.leg = SipLeg(
            9,
            facts={"leg": "sip"},
            send=self.sent.append,
            settings=WorkerSettings(),
            dialling=dialling,
        )

    async def answering(self) -> asyncio.Future[None]:
        playout = Playout(rate=8_000, packet=160, depth=0, limit=16_000)
        waiting = asyncio.ensure_future(self.leg.answer(playout))
        await asyncio.sleep(0)
        return waiting


async def test_it_goes_out_with_the_answer_and_waits_for_theirs() -> None:
    line = Line()
    assert line.sent == []
    waiting = await line.answering()
    assert line.sent == [Dial(9, "sip:1@pbx.example", {"X-Ticket": "17"})]
    line.leg.take(Progress(9, 180, "Ringing"))
    await asyncio.sleep(1)
    assert not waiting.done()
    line.leg.take(Confirmed(9, "PCMA/8000"))
    await waiting
    assert line.codes == [180]
    assert line.leg.facts["codec"] == "PCMA/8000"


async def test_a_refusal_keeps_its_code() -> None:
    line = Line()
    waiting = await line.answering()
    line.leg.take(Ended(9, 486, "Busy Here"))
    with pytest.raises(Rejected, match=r"the far end is busy \(486 Busy Here\)") as told:
        await waiting
    assert told.value.code == 486
    assert not isinstance(told.value, NoAnswer)


async def test_nobody_answers_and_the_call_is_taken_back() -> None:
    line = Line(ring_s=3.0)
    waiting = await line.answering()
    with pytest.raises(NoAnswer, match="within 3 s"):
        await waiting
    await line.leg.hangup(STOPPED)
    assert line.sent[-1] == Bye(9, 487, "Cancelled")


async def test_a_lost_worker_ends_the_ringing() -> None:
    line = Line()
    waiting = await line.answering()
    line.leg.lose(WorkerLost(leg="sip", why="gone"))
    with pytest.raises(WorkerLost):
        await waiting


@pytest.mark.parametrize("code", [300, 302, 401, 404, 408, 486, 503, 599, 603])
def test_every_code_has_words(code: int) -> None:
    assert refused(code)
    assert unregistered(code)

"""Calls that the gateway makes: what may be called, when, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import Rejected
from gateway.legs.base import Leg
from gateway.legs.memory import Deed, MemoryLeg, Pause
from gateway.legs.sipdial import Dialling
from gateway.outbound import NotDialled, Outbound
from gateway.serve import Gateway
from media.playout import FrameSource
from tests.gateway.calls import check, summary
from tests.gateway.serving import CHAT, Serving, serving

TO = "sip:1234@127.0.0.1:5062"


class _Busy(MemoryLeg):
    async def answer(self, source: FrameSource) -> None:
        raise Rejected(leg="memory", why="busy", code=486)


class Line:
    """Reaches somebody who does ``deeds``, or is busy."""

    def __init__(self, here: Serving, deeds: Sequence[Deed], *, busy: bool = False) -> None:
        self.here, self.deeds, self.busy = here, deeds, busy
        self.up, self.dialled = True, list[Dialling]()

    def dial(self, dialling: Dialling) -> Leg:
        self.dialled.append(dialling)
        facts = {"leg": "memory", "callee": dialling.to, "direction": "outbound"}
        leg = _Busy if self.busy else MemoryLeg
        return leg(self.deeds, clock=self.here.clock, facts=facts)


def dialling(
    root: Path, *words: str, deeds: Sequence[Deed] = CHAT, busy: bool = False
) -> tuple[Serving, Line]:
    """A gateway that can call out."""
    here = Serving([], root)
    line = Line(here, deeds, busy=busy)
    sip = load(["bot=scripted", "sip.outbound.enabled=true", *words]).sip
    parts = here.gateway._parts
    outbound = Outbound(sip, line, parts.desk)
    here.gateway = Gateway(replace(parts, outbound=outbound), here.drain)
    return here, line


async def test_a_call_is_made_held_and_kept(tmp_path: Path) -> None:
    here, line = dialling(tmp_path, "sip.outbound.ring_s=7")
    async with serving(here):
        call_id = await here.gateway.dial(TO)
        assert [call["call_id"] for call in here.gateway.live()] == [call_id]
        await here.until(6.0)
        assert here.gateway.live() == []
    assert [(one.to, one.ring_s) for one in line.dialled] == [(TO, 7)]
    (folder,) = here.folders()
    assert folder.name == call_id
    check(folder)
    facts = summary(folder)["facts"]
    assert (facts["callee"], facts["direction"]) == (TO, "outbound")


async def test_a_far_end_that_does_not_answer_is_an_outcome(tmp_path: Path) -> None:
    here, _ = dialling(tmp_path, busy=True)
    async with serving(here):
        call_id = await here.gateway.dial(TO)
        await here.until(2.0)
    (folder,) = here.folders()
    assert folder.name == call_id
    assert summary(folder)["outcome"] == {"fault": "carrier", "reason": "rejected"}


@pytest.mark.parametrize(
    ("words", "to", "status", "why"),
    [
        (["sip.outbound.enabled=false"], TO, 409, "sip.outbound.enabled is false"),
        ([], "1234", 400, "no SIP URI"),
        ([], "sip:1234@x?Subject=y", 400, "no SIP URI"),
        (["sip.outbound.allow=['+49*']"], TO, 403, "fits none of its patterns"),
        ([], "sip:1234@192.0.2.7", 403, "reaches this machine alone"),
    ],
)
async def test_what_may_not_be_called_is_not(
    tmp_path: Path, words: list[str], to: str, status: int, why: str
) -> None:
    here, line = dialling(tmp_path, *words)
    async with serving(here):
        with pytest.raises(NotDialled, match=why) as caught:
            await here.gateway.dial(to)
        assert caught.value.status == status
        line.up = False
    assert line.dialled == []


async def test_a_proxy_may_reach_what_we_do_not(tmp_path: Path) -> None:
    here, line = dialling(tmp_path, "sip.outbound.proxy='sip:127.0.0.1:5070'")
    async with serving(here):
        await here.gateway.dial("sip:1234@192.0.2.7")
    assert len(line.dialled) == 1


async def test_a_line_that_is_down(tmp_path: Path) -> None:
    here, line = dialling(tmp_path)
    line.up = False
    async with serving(here):
        with pytest.raises(NotDialled, match="the SIP line is down") as caught:
            await here.gateway.dial(TO)
    assert (caught.value.status, caught.value.retry_after_s) == (503, 5)


async def test_calls_that_are_made_take_seats_as_others_do(tmp_path: Path) -> None:
    here, line = dialling(tmp_path, deeds=(Pause(60_000),))
    async with serving(here):
        both = await asyncio.gather(here.gateway.dial(TO), here.gateway.dial(TO))
        assert len(set(both)) == 2
        with pytest.raises(NotDialled, match="no call can be made now: full") as caught:
            await here.gateway.dial(TO)
        assert (caught.value.status, caught.value.retry_after_s) == (503, 10)
        here.drain.ask()
        with pytest.raises(NotDialled, match="draining"):
            await here.gateway.dial(TO)
        here.drain.ask()
    assert len(line.dialled) == 2


async def test_a_gateway_without_a_line_makes_no_calls(tmp_path: Path) -> None:
    here = Serving([], tmp_path)
    with pytest.raises(NotDialled, match="no line for it"):
        await here.gateway.dial(TO)
    here, _ = dialling(tmp_path)
    with pytest.raises(NotDialled, match="no call can be made now"):  # it does not serve yet
        await here.gateway.dial(TO)

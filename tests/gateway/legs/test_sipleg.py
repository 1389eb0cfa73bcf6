"""The leg by itself: what it asks of a worker, and what it makes of the worker's words."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bot.facts import Digit, Held
from gateway.errors import (
    CallerGone,
    LegError,
    MediaSilent,
    SignallingLost,
    WorkerLost,
)
from gateway.legs.base import LegEvent, Moved
from gateway.legs.sipleg import LAST_WORD_S, SipLeg, cause_of
from gateway.legs.sipprotocol import (
    NOTHING,
    Accept,
    Bye,
    Command,
    Confirmed,
    Ended,
    HoldChanged,
    Measured,
    Packet,
    Pressed,
    Report,
    Silent,
    SourceChanged,
    StreamFigures,
)
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.stream import WAITING
from gateway.outcome import CALLER_LEFT, STOPPED, Fault, Outcome
from media.frame import AudioFrame
from media.playout import Played, Playout

SAMPLES = WorkerSettings().samples
SAID = np.arange(SAMPLES, dtype="<i2").tobytes()


class Line:
    """A leg, what it sent, and a playout with a second of a rising ramp in it."""

    def __init__(self, *, ring: int = 2) -> None:
        self.sent: list[Command] = []
        self.leg = SipLeg(
            7, facts={"leg": "sip"}, send=self.sent.append, settings=WorkerSettings(ring=ring)
        )
        self.playout = Playout(rate=8_000, packet=SAMPLES, depth=0, limit=16_000)
        ramp = np.arange(1, 8_001, dtype=np.int16)
        self.playout.push(ramp, end=16_000, epoch=0)

    async def answer(self) -> None:
        answering = asyncio.ensure_future(self.leg.answer(self.playout))
        await asyncio.sleep(0)
        self.leg.take(Confirmed(7))
        await answering

    def tick(self, sent: int = NOTHING) -> list[Packet]:
        return self.leg.tick(Report(7, sent, SAID))

    async def events(self) -> list[LegEvent]:
        return [event async for event in self.leg.events()]


async def test_answering_waits_for_the_far_end() -> None:
    line = Line()
    answering = asyncio.ensure_future(line.leg.answer(line.playout))
    await asyncio.sleep(1)
    assert line.sent == [Accept(7)]
    assert not answering.done()
    line.leg.take(Confirmed(7))
    await answering


async def test_what_was_sent_is_what_is_reported() -> None:
    line = Line()
    await line.answer()
    first = line.tick()
    assert [packet.number for packet in first] == [0, 1]
    assert line.tick() == []  # two are on their way: the worker has not sent them yet
    second = line.tick(sent=0)
    assert [packet.number for packet in second] == [2]
    line.tick(sent=NOTHING)
    line.tick(sent=1)
    line.leg.take(Ended(7, 200, "OK"))
    events = await line.events()
    played = [event for event in events if isinstance(event, Played)]
    heard = [event for event in events if isinstance(event, AudioFrame)]
    assert [one.frame.start for one in played] == [SAMPLES * n for n in range(5)]
    assert [one.start for one in heard] == [SAMPLES * n for n in range(5)]
    assert [one.until for one in played] == [0, 0, 320, 320, 640]
    assert [one.filled for one in played] == [SAMPLES, SAMPLES, 0, SAMPLES, 0]
    assert played[2].frame.pcm.tobytes() == first[0].pcm
    assert [int(one.frame.pcm[0]) for one in played] == [0, 0, 1, 0, SAMPLES + 1]
    assert heard[4].pcm.tobytes() == SAID


async def test_a_stall_does_not_leave_the_ring_longer() -> None:
    line = Line(ring=3)
    await line.answer()
    waiting = len(line.tick())
    for sent in (0, 1, 2, NOTHING, NOTHING, NOTHING):
        waiting += len(line.tick(sent)) - (sent != NOTHING)
    assert waiting == 3


async def test_on_hold_nothing_counts_as_heard() -> None:
    line = Line()
    await line.answer()
    line.tick()
    line.leg.take(HoldChanged(7, on=True))
    line.tick(sent=0)
    line.leg.take(HoldChanged(7, on=False))
    line.leg.take(Pressed(7, "5"))
    line.leg.take(Ended(7, 200, "OK"))
    events = await line.events()
    played = [event for event in events if isinstance(event, Played)]
    assert [one.until for one in played] == [0, 0]
    assert not played[1].frame.pcm.any()
    assert [event for event in events if isinstance(event, Held | Digit)] == [
        Held(320, True),
        Held(640, False),
        Digit(640, "5"),
    ]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Ended(7, 487, "Request Terminated"), CallerGone),
        (Ended(7, 408, "no ACK", unacknowledged=True), SignallingLost),
    ],
)
async def test_a_call_that_ends_while_it_is_answered(event: Ended, error: type[LegError]) -> None:
    line = Line()
    answering = asyncio.ensure_future(line.leg.answer(line.playout))
    await asyncio.sleep(0)
    line.leg.take(event)
    with pytest.raises(error):
        await answering


async def test_a_worker_that_never_replies_does_not_hold_the_call() -> None:
    line = Line()
    with pytest.raises(SignallingLost):
        await line.leg.answer(line.playout)


async def test_a_caller_who_has_gone_is_not_answered() -> None:
    line = Line()
    line.leg.take(Ended(7, 487, "Request Terminated"))
    with pytest.raises(CallerGone):
        await line.leg.answer(line.playout)
    await line.leg.hangup(CALLER_LEFT)
    assert line.sent == []


async def test_silence_breaks_the_call_and_the_far_end_is_told() -> None:
    line = Line()
    await line.answer()
    line.leg.take(Silent(7, 30.0))
    with pytest.raises(MediaSilent, match="30 s"):
        await line.events()
    await line.leg.hangup(Outcome(Fault.CALLER, "media-silent"))
    await line.leg.hangup(STOPPED)
    assert line.sent[1:] == [Bye(7, 408, "No Media")]
    assert line.tick() == []


async def test_a_lost_worker_is_not_spoken_to() -> None:
    line = Line()
    await line.answer()
    line.leg.lose(WorkerLost(leg="sip", why="its process ended"))
    with pytest.raises(WorkerLost):
        await line.events()
    await line.leg.hangup(STOPPED)
    assert line.sent == [Accept(7)]


async def test_a_call_that_takes_no_packets_is_ended() -> None:
    line = Line()
    await line.answer()
    for number in range(WAITING):
        line.tick(sent=number)
    with pytest.raises(LegError, match="keep up"):
        await line.events()


async def test_the_agreed_codec_is_the_call_s() -> None:
    line = Line()
    await line.answer()
    assert "codec" not in line.leg.facts
    line.leg.take(Confirmed(7, "G722/8000"))
    line.leg.take(Confirmed(7, "PCMA/8000"))
    assert line.leg.facts["codec"] == "PCMA/8000"


async def test_a_new_source_is_an_event() -> None:
    line = Line()
    await line.answer()
    line.tick()
    line.leg.take(SourceChanged(7, "192.0.2.7:4000"))
    line.leg.take(Ended(7, 200, "OK"))
    moved = [event for event in await line.events() if isinstance(event, Moved)]
    assert moved == [Moved(320, "192.0.2.7:4000")]


async def test_figures_and_the_far_end_s_farewell_are_kept() -> None:
    line = Line()
    await line.answer()
    assert line.leg.figures == {}
    line.leg.take(Measured(7, StreamFigures(received=5)))
    line.leg.take(Measured(7, StreamFigures(received=9)))
    line.leg.take(Ended(7, 200, "Normal call clearing"))
    await line.leg.hangup(CALLER_LEFT)
    assert line.leg.figures["rtp"]["received"] == 9
    parting = {"code": 200, "reason": "Normal call clearing", "by": "far-end"}
    assert line.leg.figures["sip"] == parting


async def test_hanging_up_waits_for_the_last_figures() -> None:
    line = Line()
    await line.answer()
    leaving = asyncio.ensure_future(line.leg.hangup(STOPPED))
    await asyncio.sleep(0)
    assert line.sent[-1] == Bye(7, 503, "Stopped")
    assert not leaving.done()
    line.leg.take(Measured(7, StreamFigures(received=3)))
    await leaving
    line.leg.take(Ended(7, 200, "OK"))
    assert line.leg.figures["rtp"]["received"] == 3
    assert line.leg.figures["sip"] == {"code": 503, "reason": "Stopped", "by": "gateway"}


async def test_a_worker_that_says_nothing_more_is_not_waited_for() -> None:
    line = Line()
    await line.answer()
    began = asyncio.get_running_loop().time()
    await line.leg.hangup(STOPPED)
    assert asyncio.get_running_loop().time() - began == LAST_WORD_S
    assert "rtp" not in line.leg.figures


async def test_hanging_up_before_the_answer_refuses() -> None:
    line = Line()
    await line.leg.hangup(Outcome(Fault.BOT, "no-free-seat"))
    assert line.sent == [Bye(7, 503, "No Free Seat")]
    other = Line()
    await other.leg.hangup(CALLER_LEFT)
    assert other.sent == [Bye(7, 480, "Temporarily Unavailable")]


def test_every_cause_is_a_sip_status() -> None:
    for outcome in (CALLER_LEFT, STOPPED, Outcome(Fault.BOT, "engine-lost")):
        code, phrase = cause_of(outcome)
        assert 200 <= code <= 699
        assert phrase

"""A gateway with scripted callers: who is taken, who is refused, how it stops, what breaks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.batch import StepBatch, StepResult
from bot.engines.scripted import ScriptedEngine
from bot.errors import EngineFault
from gateway.errors import LegError
from gateway.legs.memory import Pause
from gateway.legs.memoryswitchboard import Caller, MemorySwitchboard, Rejection
from gateway.offers import Offer
from gateway.outcome import CALLER_LEFT, HUNG_UP, STOPPED, Fault, Outcome
from media.clock import LoopClock
from tests.gateway.calls import check, summary
from tests.gateway.serving import CHAT, GREETING, Serving, chatty, serving

LONG = (Pause(60_000),)
ENGINE_LOST = Outcome(Fault.BOT, "engine-lost")


async def test_a_call_is_rung_answered_held_and_kept(tmp_path: Path) -> None:
    async with serving(Serving([Caller(0.5, CHAT)], tmp_path)) as it:
        await it.until(6.0)
        (offer,) = it.came
        assert offer.rang
        assert offer.answered
        assert offer.outcome == CALLER_LEFT
        (folder,) = it.folders()
        assert folder == it.root / "2026" / "01" / "02" / "20260102T030405Z-000001"
        check(folder)
        call = summary(folder)
        assert call["call_id"] == folder.name
        assert call["started"] == "2026-01-02T03:04:05+00:00"
        assert (call["leg"], call["engine"], call["persona"]) == (
            "memory",
            "scripted",
            "receptionist",
        )
        assert call["facts"] == {"callee": "100", "caller": "200", "codec": "PCMU/8000"}
        assert "good morning" in (folder / "transcript.jsonl").read_text()
        assert it.engine.free == 2


async def test_beyond_the_seats_calls_are_refused_and_none_is_answered_in_vain(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    together = [Caller(1.0, CHAT, number=str(number)) for number in range(5)]
    async with serving(Serving([*together, Caller(8.0, CHAT)], tmp_path)) as it:
        with caplog.at_level(logging.WARNING):
            await it.until(15.0)
        assert [offer.answered for offer in it.came] == [True, True, False, False, False, True]
        for offer in it.came[2:5]:
            assert offer.rejection == Rejection(503, "full", 10)
            assert not offer.rang
        assert len(it.folders()) == 3
        lines = [r.getMessage() for r in caplog.records if "refused" in r.getMessage()]
        assert lines == [
            "refused code=503 reason=full retry_after_s=10 source=127.0.0.1"
            f" caller='{number}' callee='100'"
            for number in (2, 3, 4)
        ]


async def test_strangers_and_wrong_numbers_and_full_routes(tmp_path: Path) -> None:
    callers = [
        Caller(1.0, LONG, source="192.0.2.1"),
        Caller(1.1, LONG, callee="999"),
        Caller(1.2, LONG, callee="100"),
        Caller(1.3, LONG, callee="100"),
        Caller(1.4, LONG, callee="sip:201@127.0.0.1:5060"),
    ]
    routes = "routes=[{number: '100', calls: 1}, {number: '2??', recording: false}]"
    async with serving(Serving(callers, tmp_path, settings=[routes, "drain.seconds=0"])) as it:
        await it.until(3.0)
        refused = [offer.rejection and offer.rejection.code for offer in it.came]
        assert refused == [403, 404, None, 486, None]
        assert [offer.answered for offer in it.came] == [False, False, True, False, True]
        assert it.gateway.readiness.calls == 2
    assert len(it.folders()) == 1  # the other route keeps nothing


async def test_routes_have_limits_of_their_own(tmp_path: Path) -> None:
    settings = ["limits.farewell_ms=100", "drain.seconds=0"]
    settings.append("routes=[{number: '1', limits: {longest_call_s: 2}}, {}]")
    callers = [Caller(0.0, LONG, callee="1"), Caller(0.0, LONG, callee="2")]
    async with serving(Serving(callers, tmp_path, settings=settings)) as it:
        await it.until(10.0)
        assert [offer.outcome for offer in it.came] == [Outcome(Fault.NONE, "longest-call"), None]
    first, second = map(summary, it.folders())
    assert first["config_sha256"] != second["config_sha256"]


async def test_without_recording_a_call_leaves_no_file(tmp_path: Path) -> None:
    it = Serving([Caller(0.0, CHAT)], tmp_path, settings=["recording.enabled=false"])
    async with serving(it):
        await it.until(6.0)
        assert it.came[0].outcome == CALLER_LEFT
    assert not it.root.exists()


async def test_a_caller_who_gives_up_while_it_rings_frees_the_seat(tmp_path: Path) -> None:
    warm = [False]

    class Slow(ScriptedEngine):
        def ready(self, row: int) -> bool:
            return warm[0]

    callers = [Caller(0.0, CHAT, patience_s=1.0)]
    it = Serving(callers, tmp_path, engine=lambda: Slow(GREETING, width=1))
    async with serving(it):
        await it.until(2.0)
        assert it.came[0].rang
        assert not it.came[0].answered
        assert it.gateway.readiness.free == 0
        warm[0] = True
        await it.until(3.0)
        assert it.came[0].outcome == CALLER_LEFT
        assert it.gateway.readiness.free == 1


# ---- what others see and do -------------------------------------------------------------------


async def test_calls_that_are_up_are_listed_and_one_can_be_hung_up(tmp_path: Path) -> None:
    callers = [Caller(0.0, LONG), Caller(0.1, LONG)]
    async with serving(Serving(callers, tmp_path, settings=["drain.seconds=0"])) as it:
        assert it.gateway.live() == []
        await it.until(2.0)
        first, second = it.gateway.live()
        assert first["call_id"] == "20260102T030405Z-000001"
        assert first["duration"] == pytest.approx(32_000, abs=640)
        assert (first["facts"]["caller"], "outcome" in first) == ("200", False)
        assert it.gateway.hang_up(first["call_id"])
        assert it.gateway.hang_up(first["call_id"])
        assert not it.gateway.hang_up("20260102T030405Z-000009")
        await it.until(2.1)
        assert [call["call_id"] for call in it.gateway.live()] == [second["call_id"]]
        assert not it.gateway.hang_up(first["call_id"])
        assert [offer.outcome for offer in it.came] == [HUNG_UP, None]
        assert it.engine.free == 1
    folder = it.folders()[0]
    check(folder)
    kept = summary(folder)
    assert kept["outcome"] == {"fault": "none", "reason": "hung-up"}
    assert {key: kept[key] for key in first if key != "duration"} == {
        key: value for key, value in first.items() if key != "duration"
    }


async def test_the_bus_carries_the_timeline_and_telemetry_counts(tmp_path: Path) -> None:
    stranger = Caller(0.2, LONG, source="192.0.2.1")
    async with serving(Serving([Caller(0.0, CHAT), stranger], tmp_path)) as it:
        with it.gateway.bus.subscribe() as events:
            await it.until(6.0)
        heard = [event async for event in events]
    (folder,) = it.folders()
    assert {event.call_id for event in heard} == {folder.name}
    lines = (folder / "timeline.jsonl").read_text(encoding="utf-8").splitlines()
    ending = f',"call_id":"{folder.name}"}}'
    assert [event.line().removesuffix(ending) + "}" for event in heard] == lines
    told = it.gateway.telemetry
    assert (told.taken, told.refused) == ({"memory": 1}, {"stranger": 1})
    assert told.ended == {("none", "caller-left"): 1}


async def test_a_call_that_cannot_be_recorded_counts_as_ended_too(tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("no folder")
    async with serving(Serving([Caller(0.0, CHAT)], tmp_path)) as it:
        await it.until(1.0)
        assert it.gateway.telemetry.ended == {("gateway", "no-recording"): 1}


# ---- stopping --------------------------------------------------------------------------------


async def test_a_drain_lets_calls_end_and_refuses_new_ones(tmp_path: Path) -> None:
    async with serving(Serving([Caller(0.0, CHAT), Caller(1.0, CHAT)], tmp_path)) as it:
        await it.until(0.5)
        it.drain.ask()
    assert it.came[0].outcome == CALLER_LEFT
    assert it.came[1].rejection == Rejection(503, "draining", 60)
    assert it.board.closed
    assert it.clock.now() < 10


@pytest.mark.parametrize(("asked", "ends_s"), [(1, 5.0), (2, 1.0)])
async def test_calls_that_do_not_end_are_stopped(tmp_path: Path, asked: int, ends_s: float) -> None:
    it = Serving([Caller(0.0, LONG)] * 2, tmp_path, settings=["drain.seconds=4"])
    async with asyncio.TaskGroup() as group:
        served = group.create_task(it.serve())
        await it.until(1.0)
        for _ in range(asked):
            it.drain.ask()
        await served
    assert it.clock.now() == pytest.approx(ends_s, abs=0.1)
    for folder, offer in zip(it.folders(), it.came, strict=True):
        assert offer.outcome == STOPPED
        check(folder)
        assert summary(folder)["outcome"] == {"fault": "gateway", "reason": "stopped"}


async def test_a_stop_does_not_wait_for_an_engine_that_is_still_loading(tmp_path: Path) -> None:
    it = Serving([], tmp_path)

    async def forever() -> None:
        await asyncio.Event().wait()

    it.engine.start = forever  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        served = group.create_task(it.serve())
        await it.until(1.0)
        assert it.gateway.readiness.why == "engine-not-ready"
        it.drain.ask()
        await served
    assert not it.board.started
    assert it.clock.now() == pytest.approx(1.0)


# ---- what breaks -----------------------------------------------------------------------------


class Breaking(ScriptedEngine):
    """Breaks at its 20th step."""

    steps = 0

    def step(self, batch: StepBatch) -> StepResult:
        self.steps += 1
        if self.steps == 20:
            raise EngineFault(engine="scripted", why="on purpose")
        return super().step(batch)


async def test_an_engine_that_breaks_ends_its_calls_and_is_started_anew(tmp_path: Path) -> None:
    engines = iter([Breaking(GREETING, width=2), chatty()])
    callers = [Caller(0.0, LONG), Caller(0.1, LONG), Caller(1.1, LONG), Caller(3.0, CHAT)]
    async with serving(Serving(callers, tmp_path, engine=lambda: next(engines))) as it:
        await it.until(1.15)
        assert it.gateway.readiness.why == "engine-not-ready"
        await it.until(8.0)
        assert [offer.outcome for offer in it.came] == [
            ENGINE_LOST,
            ENGINE_LOST,
            None,
            CALLER_LEFT,
        ]
        assert it.came[2].rejection == Rejection(503, "engine-not-ready", 5)
        assert it.engine.restarts == 1
        assert it.gateway.readiness.why == ""


async def test_what_breaks_in_one_call_is_no_matter_of_another(tmp_path: Path) -> None:
    it = Serving([Caller(0.0, CHAT), Caller(0.0, CHAT), Caller(5.0, CHAT)], tmp_path)
    async with serving(it):
        it.root.mkdir()
        (it.root / "2026").write_text("in the way")  # no folder can be made
        await it.until(0.1)
        for offer in it.came:
            assert offer.outcome == Outcome(Fault.GATEWAY, "no-recording")
            assert not offer.answered
        (it.root / "2026").unlink()
        await it.until(12.0)
        assert it.came[2].outcome == CALLER_LEFT
        assert it.gateway.readiness.free == 2


class Odd(MemorySwitchboard):
    """Its second offer cannot be rung, its third cannot be looked at; after that it breaks."""

    async def offers(self) -> AsyncIterator[Offer]:
        number = 0
        async for offer in super().offers():
            number += 1
            if number == 2:
                offer.ring = self._break  # type: ignore[method-assign]
            if number == 3:
                offer.leg = self._break  # type: ignore[assignment, method-assign]
            yield offer
            if number == 3:
                raise LegError(leg="odd", why="broke down")

    async def _break(self) -> None:
        raise RuntimeError("on purpose")


async def test_a_switchboard_that_breaks_ends_the_gateway_but_not_its_calls(
    tmp_path: Path,
) -> None:
    it = Serving([Caller(1.0, CHAT)], tmp_path)
    odd = Odd([Caller(0.0, CHAT), Caller(0.1, CHAT), Caller(1.2, CHAT)], clock=it.clock)
    it = Serving([Caller(1.0, CHAT)], tmp_path, boards=[odd])
    with pytest.raises(LegError, match="odd: broke down"):
        await it.serve()
    assert it.came[0].outcome == CALLER_LEFT
    assert odd.came[0].outcome == CALLER_LEFT
    assert odd.came[1].rejection == Rejection(500, "", None)
    assert it.board.closed
    assert odd.closed


async def test_a_gateway_whose_lines_are_down_is_not_ready(tmp_path: Path) -> None:
    class Restless(MemorySwitchboard):
        up = True

    board = Restless([], clock=LoopClock(asyncio.get_running_loop()))
    async with serving(Serving([], tmp_path, boards=[board])) as it:
        assert it.gateway.readiness.why == ""
        board.up = False  # as when a SIP worker is lost, until another one listens
        assert it.gateway.readiness.why == "not-listening"
        board.up = True
        assert it.gateway.readiness.why == ""

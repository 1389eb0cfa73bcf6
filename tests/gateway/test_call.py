"""A call is one coroutine, from offer to outcome: calls that go well, and what holds of all."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.engines.scripted import FIRST_HZ, NEXT_HZ, Hangup, Say, Stop
from bot.facts import Digit, Held
from bot.policy import Limits
from gateway.call import CallSettings
from gateway.errors import MediaSilent
from gateway.legs.base import Moved
from gateway.legs.memory import Await, Interrupt, Line, MemoryLeg, Pause, Press, Speak
from gateway.outcome import CALLER_LEFT, Fault, Outcome
from media.clock import LoopClock
from media.frame import MEDIA_RATE, PACKET, STEP
from media.playout import Playout
from media.timeline import Entry
from media.tones import tone, which_tones
from media.virtualtime import VirtualTimeLoop
from tests.gateway.calls import (
    Deed,
    FakeLeg,
    call_of,
    check,
    of,
    packets,
    quiet,
    scripted,
    stepper_of,
    summary,
    timeline,
    tracks,
    transcript,
)

PITCHES = [FIRST_HZ + NEXT_HZ * n for n in range(4)]


# ---- calls that go well ----------------------------------------------------------------------


async def test_a_leg_s_own_figures_and_moves_are_kept(tmp_path: Path) -> None:
    stepper = await stepper_of(scripted())
    leg = FakeLeg([*quiet(100), Moved(1_600, "192.0.2.7:4002"), *quiet(100)])
    leg.figures = {"rtp": {"received": 10}}
    call, _ = call_of(leg, stepper, tmp_path / "c1")
    assert await call.run() == CALLER_LEFT
    check(tmp_path / "c1")
    assert summary(tmp_path / "c1")["rtp"] == {"received": 10}
    (moved,) = of(timeline(tmp_path / "c1"), "moved")
    assert moved == Entry(1_600, "moved", {"source": "192.0.2.7:4002"})


async def test_a_call_leaves_its_folder(tmp_path: Path) -> None:
    stepper = await stepper_of(scripted(Say("hello there", at=0), Say("good", after_turn=1)))
    leg = FakeLeg(
        [*quiet(1600), *packets(tone(300, 10 * STEP, rate=MEDIA_RATE)), *quiet(2000)],
        facts={"codec": "L16/16000"},
    )
    seen: list[Entry] = []
    call, _ = call_of(leg, stepper, tmp_path / "c1", watch=seen.append)
    assert await call.run() == CALLER_LEFT
    assert leg.hung_up == [CALLER_LEFT]
    assert stepper.free == 1
    check(tmp_path / "c1")
    assert seen == timeline(tmp_path / "c1")
    assert [line["text"] for line in transcript(tmp_path / "c1")] == ["hello there", "good"]
    told = summary(tmp_path / "c1")
    assert (told["call_id"], told["leg"], told["seed"]) == ("c1", "fake", 7)
    assert told["facts"] == {"codec": "L16/16000"}
    assert told["turn_taking"]["responses"] == 1
    assert told["duration"] == len(tracks(tmp_path / "c1")[0]) == 3600 * 16 + 10 * STEP
    assert told["lost"] == {"caller": 0, "bot": 0}
    assert told["playout"]["underruns"] == 0
    vtt = (tmp_path / "c1" / "transcript.vtt").read_text(encoding="utf-8")
    assert vtt.startswith("WEBVTT\n")
    assert "<v bot>hello there</v>" in vtt


async def test_a_memory_caller_who_interrupts_hears_the_bot_stop(tmp_path: Path) -> None:
    """Through G.711 and both resamplers: what was heard is read from tones in the recording."""
    engine = scripted(
        Say("one two three four five six seven eight nine ten", at=0),
        Say("sorry go ahead", after_turn=1),
        barge_in=True,
    )
    loop = asyncio.get_running_loop()
    speech = tone(300, 8_000, rate=8_000)
    leg = MemoryLeg(
        [Interrupt(after_ms=1000), Speak(speech), Await(), Press("5"), Pause(2000)],
        clock=LoopClock(loop),
        line=Line(noise_dbfs=-75.0),
    )
    call, _ = call_of(leg, await stepper_of(engine), tmp_path / "c")
    assert await call.run() == CALLER_LEFT
    check(tmp_path / "c")
    (cut,) = of(timeline(tmp_path / "c"), "cut")
    until, onset = cut.data["heard_until"], cut.data["onset"]
    right = tracks(tmp_path / "c")[1]
    assert which_tones(right[until - 3 * PACKET : until], PITCHES, rate=MEDIA_RATE) == (PITCHES[0],)
    # A resampler rings for a few samples after a sharp end, then there is silence.
    assert np.abs(right[until + PACKET : until + 3 * PACKET]).max() == 0
    assert PITCHES[0] not in which_tones(right[until + 40 :], PITCHES, rate=MEDIA_RATE)
    assert 0 < until - onset < MEDIA_RATE
    texts = [line["text"] for line in transcript(tmp_path / "c")]
    assert (
        texts[0] + " " + cut.data["unheard"] == "one two three four five six seven eight nine ten"
    )
    assert texts[1:] == ["sorry go ahead", "key 5"]
    assert summary(tmp_path / "c")["turn_taking"]["cuts"] == 1


async def test_the_bot_may_end_the_call(tmp_path: Path) -> None:
    engine = scripted(Say("good bye", at=0), Hangup(at=STEP))
    leg = FakeLeg(quiet(20_000))
    call, _ = call_of(leg, await stepper_of(engine), tmp_path / "c")
    outcome = await call.run()
    assert outcome == Outcome(Fault.NONE, "goodbye")
    assert leg.hung_up == [outcome]
    check(tmp_path / "c")
    assert [line["text"] for line in transcript(tmp_path / "c")] == ["good bye"]


async def test_a_silent_caller_is_asked_and_left(tmp_path: Path) -> None:
    limits = Limits(no_input=MEDIA_RATE, no_input_prompts=1)
    leg = FakeLeg(quiet(60_000))
    call, _ = call_of(
        leg, await stepper_of(scripted()), tmp_path / "c", settings=CallSettings(limits=limits)
    )
    assert await call.run() == Outcome(Fault.NONE, "no-input")
    orders = of(timeline(tmp_path / "c"), "order")
    assert [entry.data["order"] for entry in orders] == ["no-input", "goodbye"]


# ---- whatever happens ------------------------------------------------------------------------

LINES = st.one_of(
    st.builds(Say, st.sampled_from(["hello", "one two three four"]), at=st.integers(0, 30 * STEP)),
    st.builds(Stop, st.integers(0, 40 * STEP), resume=st.booleans()),
    st.builds(Hangup, st.integers(10 * STEP, 50 * STEP)),
)
DEEDS: st.SearchStrategy[list[Deed]] = st.one_of(
    st.integers(1, 60).map(lambda n: quiet(20 * n)),
    st.integers(1, 20).map(lambda n: packets(tone(300, n * PACKET, rate=MEDIA_RATE))),
    st.sampled_from("0123456789*#").map(lambda key: [Digit(0, key)]),
    st.booleans().map(lambda on: [Held(0, on=on)]),
    st.builds(MediaSilent, leg=st.just("x"), why=st.just("y")).map(lambda error: [error]),
    st.builds(RuntimeError).map(lambda error: [error]),
)


@settings(max_examples=20)
@given(
    lines=st.lists(LINES, max_size=5),
    deeds=st.lists(DEEDS, max_size=8),
    cancel_after_ms=st.one_of(st.none(), st.integers(0, 3000)),
    barge_in=st.booleans(),
)
def test_no_path_leaves_the_end_state_broken(
    lines: Iterable[Say | Stop | Hangup],
    deeds: list[list[Deed]],
    cancel_after_ms: int | None,
    barge_in: bool,
) -> None:
    async def run(folder: Path) -> None:
        leg = FakeLeg([deed for run in deeds for deed in run])
        stepper = await stepper_of(scripted(*lines, barge_in=barge_in))
        limits = Limits(no_input=2 * MEDIA_RATE, no_input_prompts=1)
        call, recorder = call_of(leg, stepper, folder, settings=CallSettings(limits=limits))
        task = asyncio.create_task(call.run())
        if cancel_after_ms is not None:
            await asyncio.sleep(cancel_after_ms / 1000)
            task.cancel()
        await asyncio.wait([task])
        assert len(leg.hung_up) == 1
        assert stepper.free == 1
        assert recorder.error is None
        if not task.cancelled():
            assert task.result() == leg.hung_up[0]
        if leg.answered:
            playout = leg.source
            assert isinstance(playout, Playout)
            known = playout.played + playout.flushed + playout.queued + playout.trimmed
            assert playout.pushed == known

    with tempfile.TemporaryDirectory() as scratch:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(run(Path(scratch) / "c"))
        check(Path(scratch) / "c")

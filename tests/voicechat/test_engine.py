"""The engine on the tiny checkpoint: rows, prompts, limits, faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bot.batch import StepBatch, StepResult
from bot.engine import SessionOptions
from bot.engines import EngineChoice, build
from bot.engines.voicechat.choice import VoiceChatChoice
from bot.engines.voicechat.engine import VoiceChatEngine
from bot.errors import EngineFault
from bot.facts import Action, Command, Fact, Held, Order, Words
from bot.inline import InlineJobs
from bot.voicechat.build import load
from bot.voicechat.errors import CheckpointError
from bot.voicechat.model import VoiceChat
from bot.voicechat.options import OptionError
from bot.voicechat.seating import Seats
from bot.voicechat.voices import UnknownVoice
from media.frame import STEP, Pcm

LEAD, WIDTH, LENGTH = 199, 3, 120
CHOICE = VoiceChatChoice(
    model="tiny", rollover_frames=LENGTH, longest_frames=LENGTH, watchdog=False
)
PERSONA = {"name": "A", "company": "B", "greeting": "hello you", "goodbye": {"say": ["bye"]}}
JOBS = InlineJobs(lambda: 0.0, timed=False)


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    return load(original)


@pytest.fixture
def engine(model: VoiceChat) -> Iterator[VoiceChatEngine]:
    made = engine_of(model)
    yield made
    made.close()


def engine_of(model: VoiceChat, *, length: int = LENGTH, **changes: Any) -> VoiceChatEngine:
    return VoiceChatEngine(Seats(model, rows=WIDTH, length=length), replace(CHOICE, **changes))


def begun(engine: VoiceChatEngine, row: int, **options: object) -> None:
    given: dict[str, object] = {"persona": PERSONA, **options}
    engine.reset(row, SessionOptions(**given))  # type: ignore[arg-type]
    assert any(engine.ready(row) for _ in range(9))


def noise(step: int) -> Pcm:
    return np.random.default_rng(step).integers(-3000, 3000, STEP, np.int16)


def stepped(
    engine: VoiceChatEngine, steps: Mapping[int, int], facts: tuple[Fact, ...] = ()
) -> StepResult:
    """``steps``: which frame of its call each row takes."""
    pcm, mask = np.zeros((WIDTH, STEP), np.int16), np.zeros(WIDTH, np.bool_)
    for row, step in steps.items():
        pcm[row], mask[row] = noise(step), True
    at = tuple(steps[row] * STEP + LEAD if row in steps else 0 for row in range(WIDTH))
    told = tuple(facts if row in steps else () for row in range(WIDTH))
    return engine.step(StepBatch(pcm, mask, tuple(range(1, WIDTH + 1)), at, told))


def called(engine: VoiceChatEngine, row: int, frames: int) -> list[bytes]:
    return [stepped(engine, {row: step}).pcm[row].tobytes() for step in range(frames)]


def actions(result: StepResult, row: int = 0) -> list[Action]:
    return [event for event in result.events[row] if isinstance(event, Action)]


def ending(engine: VoiceChatEngine, first: int) -> list[Action]:
    """How row 0 ends its call, to which nothing is added."""
    for step in range(first, 110):
        if done := [one for one in actions(stepped(engine, {0: step})) if one.name == "hangup"]:
            after = stepped(engine, {0: step + 1})
            assert not after.pcm.any()
            assert after.events[0] == ()
            return done
    raise AssertionError("it did not end")


def test_sound_goes_in_early_and_comes_out_at_the_models_rate(engine: VoiceChatEngine) -> None:
    spec = engine.spec
    assert (spec.name, spec.lead, spec.width) == ("voicechat", 199, WIDTH)
    assert (spec.n_in, spec.rate_out, spec.n_out) == (1280, 22_050, 1764)
    begun(engine, 0)
    assert stepped(engine, {0: 0}).pcm.shape == (WIDTH, 1764)


def test_the_greeting_is_said_first(engine: VoiceChatEngine) -> None:
    begun(engine, 0)
    said: list[str] = []
    for step in range(40):
        events = stepped(engine, {0: step}).events[0]
        said += [word.text for e in events if isinstance(e, Words) for word in e.words]
    assert said[:2] == ["hello", "you"]


def test_rows_that_do_not_step_stay_as_they_are(model: VoiceChat) -> None:
    alone, among = engine_of(model), engine_of(model)
    for one in (alone, among):
        for row in range(WIDTH):
            begun(one, row)
    expected = called(alone, 1, 12)
    found = []
    for step in range(12):
        if step % 3:
            stepped(among, {0: step})  # row 1 stalls, its neighbour does not
        found.append(stepped(among, {1: step, 2: step}).pcm[1].tobytes())
    assert found == expected


def test_calls_differ_by_their_seeds_alone(engine: VoiceChatEngine) -> None:
    sounds = []
    for row, seed in enumerate((5, 6, 5)):
        begun(engine, row, seed=seed, persona={**PERSONA, "greeting": "I"})
    for step in range(20):
        sounds.append(stepped(engine, {0: step, 1: step, 2: step}).pcm)
    everything = np.concatenate(sounds, axis=1)
    # The noise fed is the rows' own step's, the same for all.
    assert np.array_equal(everything[0], everything[2])
    assert not np.array_equal(everything[0], everything[1])


def test_a_row_forgets_its_last_tenant(engine: VoiceChatEngine) -> None:
    begun(engine, 0)
    first = called(engine, 0, 15)
    engine.release(0)
    begun(engine, 0)
    assert called(engine, 0, 15) == first


def test_one_prompt_is_taken_between_two_steps(engine: VoiceChatEngine) -> None:
    begun(engine, 0)
    stepped(engine, {0: 0})
    for row, prompt in ((1, "the first"), (2, "the second")):
        engine.reset(row, SessionOptions(persona=PERSONA, system_prompt=prompt))
    assert (engine.ready(1), engine.ready(2)) == (True, False)
    stepped(engine, {0: 1})
    assert engine.ready(2)


def test_a_prompt_waits_for_nobody_who_does_not_step(engine: VoiceChatEngine) -> None:
    for row, prompt in enumerate(("one", "two", "two")):
        engine.reset(row, SessionOptions(persona=PERSONA, system_prompt=prompt))
    assert engine.ready(0)
    looks = [engine.ready(1) for _ in range(6)]
    assert looks.index(True) == 4
    assert engine.ready(2)  # the same prompt: nothing to be taken


def test_what_cannot_begin_is_said_at_once(engine: VoiceChatEngine) -> None:
    with pytest.raises(UnknownVoice, match="no voice 'Nobody'"):
        engine.reset(0, SessionOptions(persona={**PERSONA, "voice": "Nobody"}))


def test_a_prompt_leaves_room_for_the_call(engine: VoiceChatEngine) -> None:
    begun(engine, 0, system_prompt="and so on " * 60)
    assert 10 < engine._seats.used(0) <= LENGTH // 2 + 2


def test_on_hold_a_call_stands_still(engine: VoiceChatEngine) -> None:
    begun(engine, 0)
    straight = called(engine, 0, 10)
    engine.release(0)
    begun(engine, 0)
    found = called(engine, 0, 4)
    held = stepped(engine, {0: 4}, (Held(4 * STEP, on=True),))
    assert not held.pcm.any()
    assert not stepped(engine, {0: 5}).pcm.any()
    again = stepped(engine, {0: 4}, (Held(6 * STEP, on=False),))
    found += [again.pcm[0].tobytes()]
    found += [stepped(engine, {0: step}).pcm[0].tobytes() for step in range(5, 10)]
    assert found == straight


def test_goodbye_is_said_and_then_the_call_ends(engine: VoiceChatEngine) -> None:
    begun(engine, 0)
    called(engine, 0, 2)
    stepped(engine, {0: 2}, (Command(0, Order.GOODBYE),))
    assert ending(engine, 3) == [Action("hangup", {"reason": "goodbye"})]


def test_a_long_call_starts_afresh_in_a_silence(model: VoiceChat) -> None:
    engine = engine_of(model, rollover_frames=40, longest_frames=100)
    begun(engine, 0, persona={**PERSONA, "greeting": "I"})
    used = []
    for step in range(100):
        assert not [one for one in actions(stepped(engine, {0: step})) if one.name == "hangup"]
        used.append(engine._seats.used(0))
    drops = [after for before, after in pairwise(used) if after < before]
    assert drops
    assert max(used) < 100
    assert set(drops) == {used[0]}  # behind the prompt, and one frame on


def test_a_call_that_is_never_silent_ends_with_a_goodbye(model: VoiceChat) -> None:
    engine = engine_of(model, length=110, rollover_frames=44, longest_frames=44)
    begun(engine, 0, persona={**PERSONA, "greeting": "hello you and I can help " * 6})
    assert ending(engine, 0) == [Action("hangup", {"reason": "longest-call"})]


def test_a_fault_of_a_row_is_its_own(
    engine: VoiceChatEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(engine, 0)
    begun(engine, 1)
    tenant = engine._tenants[0]
    assert tenant is not None
    monkeypatch.setattr(tenant.row, "frame", lambda pcm: 1 / 0)
    result = stepped(engine, {0: 0, 1: 0})
    assert actions(result, 0) == [Action("hangup", {"reason": "engine-error"})]
    assert actions(result, 1) == []
    assert result.pcm[1].any()
    assert actions(stepped(engine, {0: 1, 1: 1}), 0) == []


def test_nobody_in_a_row_is_no_fault(engine: VoiceChatEngine) -> None:
    assert engine.ready(0)
    result = stepped(engine, {0: 0})
    assert not result.pcm.any()
    assert result.events == ((),) * WIDTH


def test_an_engine_gives_torchs_switches_back(original: Path) -> None:
    before = torch.are_deterministic_algorithms_enabled()
    choice = EngineChoice(
        "voicechat", seats=1, voicechat=VoiceChatChoice(model=str(original), guidance=0.0)
    )
    engine = build(choice, JOBS)
    assert torch.are_deterministic_algorithms_enabled()  # on a CPU: exact
    engine.close()
    engine.close()
    assert torch.are_deterministic_algorithms_enabled() == before


def test_seats_are_measured_unless_they_are_said(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.engines.voicechat import loading
    from bot.voicechat.seatplan import SeatPlan

    found = SeatPlan(2, 12.3, 5_000_000, "3 are too many")
    monkeypatch.setattr(loading, "measured", lambda model, **given: found)
    choice = VoiceChatChoice(model=str(original), rollover_frames=50, longest_frames=50)
    engine = build(EngineChoice("voicechat", seats=None, voicechat=choice), JOBS)
    assert engine.spec.width == 2
    assert engine.spec.plan == "12.3 ms a step (p99), 5 MB a call; 3 are too many"
    engine.close()
    monkeypatch.setattr(loading, "measured", lambda model, **given: replace(found, seats=0))
    with pytest.raises(EngineFault, match="not one call can be carried: 3 are too many"):
        build(EngineChoice("voicechat", seats=None, voicechat=choice), JOBS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"device": "nonsense"}, "device: 'nonsense' is not a device"),
        ({"dtype": "float16"}, "dtype: 'float16' is not float32 or bfloat16"),
        ({"turn_taking": "polite"}, "turn_taking: 'polite' is not one of native"),
    ],
)
def test_wrong_choices_are_refused(original: Path, changes: dict[str, Any], said: str) -> None:
    choice = replace(CHOICE, model=str(original), **changes)
    with pytest.raises(OptionError, match=said):
        build(EngineChoice("voicechat", seats=1, voicechat=choice), JOBS)


def test_a_checkpoint_that_is_not_there_is_said(tmp_path: Path) -> None:
    choice = VoiceChatChoice(model=str(tmp_path / "gone"))
    with pytest.raises(CheckpointError):
        build(EngineChoice("voicechat", seats=1, voicechat=choice), JOBS)

"""What a stream may ask for."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from bot.voicechat.build import load
from bot.voicechat.options import OptionError
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.turnpolicy import TurnPolicy, preset

ALL = S2SRequestOptions(
    system_prompt="help",
    top_p=0.5,
    temperature=0.3,
    repetition_penalty=1.1,
    seed=7,
    voice="Aria",
    turn_taking="published",
)


def test_missing_ones_are_filled_and_given_ones_stay() -> None:
    assert S2SRequestOptions().fill_defaults(ALL) == ALL
    assert ALL.fill_defaults(S2SRequestOptions()) == ALL
    mixed = S2SRequestOptions(top_p=1.0, system_prompt="").fill_defaults(ALL)
    assert (mixed.top_p, mixed.system_prompt, mixed.seed) == (1.0, "", 7)
    assert S2SRequestOptions().fill_defaults(S2SRequestOptions()) == S2SRequestOptions()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("top_p", float("nan")),
        ("top_p", True),
        ("temperature", -0.1),
        ("temperature", float("inf")),
        ("temperature", "0.3"),
        ("repetition_penalty", 0.0),
        ("repetition_penalty", float("nan")),
        ("seed", 1.5),
        ("system_prompt", 3),
        ("voice", 3),
        ("turn_taking", "patient"),
        ("turn_taking", 40),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(OptionError) as refused:
        S2SRequestOptions(**{name: value})
    assert (refused.value.name, str(refused.value)[: len(name)]) == (name, name)
    assert "\n" not in str(refused.value)


def test_bounds_are_within() -> None:
    for given in ({"top_p": 1.0}, {"top_p": 1}, {"temperature": 0}, {"repetition_penalty": 0.01}):
        S2SRequestOptions(**given)


def test_they_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        ALL.top_p = 0.9  # type: ignore[misc]


def test_as_a_model_takes_them(original: Path) -> None:
    model = load(original, speak=False)
    call = ALL.call_options(model)
    assert call.prompt == model.prompt_ids("help")
    assert (call.greedy, call.top_p, call.temperature) == (False, 0.5, 0.3)
    assert (call.repetition_penalty, call.seed, call.voice) == (1.1, 7, "Aria")
    assert call.turns == preset("published")
    plain = S2SRequestOptions().call_options(model)
    assert (plain.prompt, plain.turns, plain.voice, plain.seed) == ((), None, None, 0)
    assert {plain.top_p, plain.temperature, plain.repetition_penalty} == {1.0}  # as NeMo: greedy
    own = TurnPolicy(cooldown=3)
    assert S2SRequestOptions(turn_taking=own).call_options(model).turns is own


def test_nemos_names_are_there() -> None:
    names = [one.name for one in fields(S2SRequestOptions)]
    assert names[:4] == ["system_prompt", "top_p", "temperature", "repetition_penalty"]

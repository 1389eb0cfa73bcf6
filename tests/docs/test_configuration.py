"""``docs/configuration.md`` against the models: all keys, no others, the true defaults."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.engines import NAMES
from gateway.config import ParleyConfig, load

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
CONFIGS = ROOT / "configs"

_ROW = re.compile(r"^\| `([a-z_.\[\]]+)` \| `([^`]*)` \|([^|]*)\|", re.MULTILINE)
DOCUMENTED = {key: default for key, default, _ in _ROW.findall(PAGE)}
UNITS = {key: unit.strip() for key, _, unit in _ROW.findall(PAGE)}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        path = prefix + name
        whole = field.annotation
        for inner in _models(whole):
            yield from _leaves(inner, f"{path}." if inner is whole else f"{path}[].")
        if all(inner is not whole for inner in _models(whole)):
            yield path, field


LEAVES = dict(_leaves(ParleyConfig))


def _composed() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def walk(tree: dict[str, Any], prefix: str) -> None:
        for name, value in tree.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{name}.")
            else:
                found[prefix + name] = value

    walk(load([]).model_dump(mode="json"), "")
    return found


def test_every_key_is_documented_and_no_other() -> None:
    assert set(DOCUMENTED) == {*LEAVES, "bot"}


def test_no_key_is_documented_twice() -> None:
    keys = [key for key, _, _ in _ROW.findall(PAGE)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("key", sorted(DOCUMENTED))
def test_the_default_is_the_true_one(key: str) -> None:
    documented = yaml.safe_load(DOCUMENTED[key])
    if key == "bot":
        defaults = yaml.safe_load((CONFIGS / "parley.yaml").read_text("utf-8"))["defaults"]
        assert {"bot": documented} in defaults
    elif "[]" in key:
        default = LEAVES[key].default
        assert documented == ("required" if default is PydanticUndefined else default)
    else:
        assert documented == _composed()[key]


@pytest.mark.parametrize("key", sorted(DOCUMENTED))
def test_times_and_rates_state_the_unit_of_their_name(key: str) -> None:
    for ending, unit in {"_ms": "ms", "_s": "s", "_seconds": "s", "_minutes": "min"}.items():
        if key.endswith(ending):
            assert UNITS[key] == unit


def test_every_engine_is_documented() -> None:
    table = PAGE.split("| `bot=` | what |")[1].split("\n\n")[0]
    named = set(re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE))
    assert named == set(NAMES) == {path.stem for path in (CONFIGS / "bot").glob("*.yaml")}


def _examples() -> list[list[str]]:
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
    ]
    return [[word for word in shlex.split(line) if "=" in word] for line in lines]


@pytest.mark.parametrize("words", _examples(), ids=" ".join)
def test_the_examples_are_valid_settings(words: list[str]) -> None:
    assert words
    load(words)


def test_the_folder_of_ones_own_works_as_printed(tmp_path: Path) -> None:
    settings, engine = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "bot").mkdir()
    (tmp_path / "parley.yaml").write_text(re.sub(r"^  ", "", settings, flags=re.MULTILINE))
    (tmp_path / "bot" / "morning.yaml").write_text(re.sub(r"^  ", "", engine, flags=re.MULTILINE))
    config = load(["bot=morning"], config_dir=tmp_path)
    assert (config.recording.dir, config.persona) == ("/srv/calls", "/srv/parley/reception.yaml")
    assert (config.bot.name, config.bot.seats) == ("scripted", 2)
    assert config.bot.script.lines[0].say == "good morning"
    assert config.replay.max_minutes == 120

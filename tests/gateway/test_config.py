"""Settings: composed, checked, frozen; every mistake is one line with its place and a way out."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest

from bot.engines.scripted import Hangup, Say, Stop
from gateway.app import persona_for, settings_for
from gateway.config import ParleyConfig, load
from gateway.errors import ConfigError
from media.frame import MEDIA_RATE

SCRIPT = "bot.script.lines=[{say: hi, at_ms: 80}, {stop: barge-in, at_ms: 160, resume: true}]"


def refused(*overrides: str, config_dir: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(overrides, config_dir=config_dir)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_defaults_are_those_the_docs_name() -> None:
    config = load([])
    assert (config.bot.name, config.bot.seats, config.seed) == ("embedded", 4, 0)
    assert (config.replay.tail_seconds, config.replay.max_minutes) == (15, 120)
    assert config.recording.timing is False
    assert config.persona == "receptionist"


def test_settings_are_frozen() -> None:
    with pytest.raises(pydantic.ValidationError):
        load([]).seed = 3


def test_overrides_win() -> None:
    config = load(["bot=echo", "bot.seats=2", "seed=7", "playout.depth_ms=40"])
    assert (config.bot.name, config.bot.seats, config.seed) == ("echo", 2, 7)
    assert config.playout.depth_ms == 40


def test_a_script_may_be_written_on_the_command_line() -> None:
    script = load(["bot=scripted", SCRIPT]).bot.choice().script
    assert script.lines == (Say("hi", at=1_280), Stop(2_560, "barge-in", resume=True))


def test_the_packaged_script_is_valid() -> None:
    assert len(load(["bot=scripted"]).bot.choice().script.lines) == 4


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("sede=1", "sede: no such key; did you mean seed?"),
        ("bot.seat=1", "bot.seat: no such key; did you mean bot.seats?"),
        ("tail_seconds=1", "tail_seconds: no such key; did you mean replay.tail_seconds?"),
        ("bot=ecko", "bot: no engine 'ecko'; did you mean echo?"),
        ("bot=gpt", "bot: no engine 'gpt'; there are "),
        ("seed=abc", 'seed: input should be a valid integer, not "abc"'),
        ("seed=-1", "seed: input should be greater than or equal to 0, not -1"),
        ("seed=1.5", "seed: input should be a valid integer"),
        ("bot.seats=0", "bot.seats: input should be greater than 0, not 0"),
        ("seed=null", "seed: input should be a valid integer"),
        ("playout.depth_ms=5000", "playout.depth_ms: "),
        ("recording.timing=7", "recording.timing: input should be a valid boolean"),
        ("seed=[1", "write key=value, as in bot.seats=2"),
        ("seed=1,2", "seed: several values"),
        ("persona=a,b", "persona: several values"),
        ("+seed=2", "already at 'seed'"),
        ("hydra.run.dir=x", "hydra.run.dir: no such key"),
        ("=3", "write key=value, as in bot.seats=2"),
    ],
)
def test_a_mistake_is_named_with_a_way_out(override: str, said: str) -> None:
    assert said in refused(override)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{}", "exactly one of say, stop and hangup"),
        ("{say: a, stop: b, at_ms: 0}", "exactly one of say, stop and hangup"),
        ("{say: a}", "exactly one of at_ms and after_turn"),
        ("{say: a, at_ms: 0, after_turn: 1}", "exactly one of at_ms and after_turn"),
        ("{stop: x, after_turn: 1}", "only say may come after_turn"),
        ("{stop: Barge In, at_ms: 0}", "bot.script.lines.0.stop"),
        ("{say: '  ', at_ms: 0}", "bot.script.lines.0.say"),
        ("{say: a, at_ms: 0, loud: true}", "bot.script.lines.0.loud: no such key"),
    ],
)
def test_a_line_of_a_script_does_one_thing_at_one_place(line: str, said: str) -> None:
    assert said in refused("bot=scripted", f"bot.script.lines=[{line}]")


def test_a_hangup_has_a_reason_fit_for_the_timeline() -> None:
    line = "bot.script.lines=[{hangup: good-bye, at_ms: 80}]"
    assert load(["bot=scripted", line]).bot.choice().script.lines == (Hangup(1_280, "good-bye"),)


# ---- a folder of one's own -------------------------------------------------------------------


def test_a_users_folder_goes_in_front(tmp_path: Path) -> None:
    (tmp_path / "parley.yaml").write_text("defaults:\n  - bot: echo\n  - _self_\nseed: 9\n")
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "echo.yaml").write_text("name: echo\nseats: 1\n")
    config = load(["replay.calls=2"], config_dir=tmp_path)
    assert (config.bot.name, config.bot.seats, config.seed) == ("echo", 1, 9)
    assert config.replay.calls == 2
    assert load(["bot=scripted"], config_dir=tmp_path).bot.name == "scripted"


def test_a_users_own_bot_is_found(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "mine.yaml").write_text("name: echo\nseats: 3\n")
    assert load(["bot=mine"], config_dir=tmp_path).bot.seats == 3


def test_mistakes_in_a_users_file(tmp_path: Path) -> None:
    path = tmp_path / "parley.yaml"
    path.write_text("defaults:\n  - bot: echo\n  - _self_\nsede: 9\n")
    assert "sede: no such key; did you mean seed?" in refused(config_dir=tmp_path)
    path.write_text("defaults: [bot: echo\n")
    assert refused(config_dir=tmp_path)
    assert "no such folder" in refused(config_dir=tmp_path / "none")


# ---- what becomes of them --------------------------------------------------------------------


def hash_of(*overrides: str) -> str:
    return load(list(overrides)).sha256(persona_for("receptionist", config_dir=None))


def test_the_hash_is_of_what_shapes_a_call() -> None:
    assert hash_of() == hash_of("recording.dir=/elsewhere")
    assert hash_of() != hash_of("seed=1")
    assert hash_of("bot=echo") != hash_of("bot=scripted")


@pytest.mark.parametrize(
    "override",
    [
        "recording.enabled=false",
        "sip.port=5070",
        "http.port=0",
        "drain.seconds=1",
        "admission.burst=1",
        "routes=[{number: '100'}]",
    ],
)
def test_where_calls_come_in_does_not_shape_them(override: str) -> None:
    assert hash_of() == hash_of(override)


def test_a_route_has_settings_of_its_own_over_those_of_all() -> None:
    assert load([]).of_route(0) == load([])
    routes = "routes=[{number: '1', persona: x, recording: false, limits: {no_input_ms: 7}}, {}]"
    config = load([routes, "limits.longest_call_s=60"])
    first, second = config.of_route(0), config.of_route(1)
    assert (first.persona, first.recording.enabled) == ("x", False)
    assert (first.limits.no_input_ms, first.limits.longest_call_s) == (7, 60)
    assert (second.persona, second.recording, second.limits) == (
        config.persona,
        config.recording,
        config.limits,
    )


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("admission.allow=[192.0.2.1/8]", "admission.allow.0: "),
        ("admission.calls_per_second=0", "admission.calls_per_second: "),
        ("sip.port=0", "sip.port: "),
        ("sip.codecs=[]", "sip.codecs: "),
        ("sip.codecs=[opus]", "sip.codecs.0: "),
        ("sip.headers=['X Y']", "sip.headers.0: "),
        ("routes=[{calls: 0}]", "routes.0.calls: "),
        ("routes=[{nummer: '1'}]", "routes.0.nummer: no such key"),
        (
            "routes=[{bot: echo}]",
            "routes.0.bot: not echo: a process runs one engine, here embedded",
        ),
    ],
)
def test_mistakes_in_what_is_served_are_named(override: str, said: str) -> None:
    assert refused(override).startswith(said)


def test_limits_and_depth_become_samples() -> None:
    persona = persona_for("receptionist", config_dir=None)
    words = ["limits.no_input_ms=1000", "limits.longest_call_s=60", "playout.depth_ms=20"]
    config: ParleyConfig = load(words)
    settings = settings_for(config, persona, pace="virtual")
    assert settings.limits.no_input == MEDIA_RATE
    assert settings.limits.longest == 60 * MEDIA_RATE
    assert settings.depth == 320


def test_steps_are_timed_in_live_calls_alone() -> None:
    persona, config = persona_for("receptionist", config_dir=None), load(["recording.timing=true"])
    assert settings_for(config, persona, pace="live").timing
    assert not settings_for(config, persona, pace="virtual").timing

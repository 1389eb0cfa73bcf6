"""The section ``bot`` for VoiceChat: its keys, what they become, what is refused."""

from __future__ import annotations

import pytest

from bot.engines import EngineChoice, build
from bot.engines.voicechat.choice import VoiceChatChoice
from bot.errors import EngineFault
from bot.inline import InlineJobs
from gateway import voicechat
from gateway.app import stepper_for
from gateway.config import load
from gateway.errors import ConfigError, PartMissing


def test_the_packaged_settings_are_the_defaults_with_seats_to_be_measured() -> None:
    choice = load(["bot=voicechat"]).bot.choice()
    assert choice.seats is None
    assert choice.voicechat == VoiceChatChoice()
    assert choice.start_s > EngineChoice("embedded").start_s


def test_every_key_reaches_the_engine() -> None:
    changes = {
        "model": "tiny",
        "device": "cpu",
        "dtype": "float32",
        "memory": "bfloat16",
        "guidance": 0.0,
        "turn_taking": "responsive",
        "rollover_frames": 60,
        "longest_frames": 70,
        "watchdog": False,
    }
    sampling = {"greedy": True, "top_p": 0.9, "temperature": 0.8, "repetition_penalty": 1.5}
    words = [f"bot.{key}={value}" for key, value in changes.items()]
    words += [f"bot.sampling.{key}={value}" for key, value in sampling.items()]
    choice = load(["bot=voicechat", "bot.seats=3", *words]).bot.choice()
    assert choice.seats == 3
    assert choice.voicechat == VoiceChatChoice(**changes, **sampling)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bot=voicechat", "bot.longest_frames=100"], "rollover_frames must not be above"),
        (["bot=embedded", "bot.seats=null"], "seats must be a number"),
        (["bot=voicechat", "bot.dtype=float16"], "bot.dtype: input should be 'auto'"),
        (["bot=voicechat", "bot.sampling.top_p=0.0"], "bot.sampling.top_p: input should be gr"),
    ],
)
def test_what_cannot_be_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(words)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_its_libraries_the_engine_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choice = load(["bot=voicechat"]).bot.choice()
    monkeypatch.setattr(voicechat, "missing", lambda: "torch not installed")
    with pytest.raises(PartMissing, match="VoiceChat: torch not installed; make setup EXTRAS="):
        stepper_for(choice, pace="virtual", fidelity="ideal")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineFault, match="engine voicechat: torch is not installed; make"):
        build(choice, InlineJobs(lambda: 0.0, timed=False))


def test_engines_that_do_not_measure_must_be_told_their_seats() -> None:
    with pytest.raises(EngineFault, match=r"echo: bot\.seats must be a number"):
        build(EngineChoice("echo", seats=None), InlineJobs(lambda: 0.0, timed=False))

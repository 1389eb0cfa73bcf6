"""Calls replayed through ``bot=voicechat``: side by side they are what they are one by one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gateway.config import load
from gateway.inputs import find
from gateway.outcome import CALLER_LEFT
from gateway.replay import Replayed, ReplayPlan, replay
from media.frame import MEDIA_RATE, Pcm
from tests.gateway.calls import check, of, timeline, tracks
from tests.gateway.sounds import write_wav
from tests.voicechat.hearing import hearing

CALLS = 8
SETTINGS = ("bot=voicechat", f"bot.seats={CALLS}", "bot.watchdog=false", "replay.tail_seconds=0")


class Quietly:
    def heard(self, call_id: str, samples: int) -> None:
        """Nobody watches."""

    def ended(self, result: Replayed) -> None:
        """Nobody watches."""


def babble(number: int) -> Pcm:
    """A caller of his own length, loud and quiet in turn, so that the ears have something."""
    rng = np.random.default_rng(number)
    length = MEDIA_RATE * (12 + number) // 10
    loudness = np.repeat(rng.uniform(0, 9000, 1 + length // 6400), 6400)[:length]
    return np.asarray(loudness * rng.standard_normal(length), np.int16)


@pytest.fixture(scope="module")
def persona(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A greeting shorter than the calls: the rest of them is the model's own."""
    path = tmp_path_factory.mktemp("persona") / "short.yaml"
    plain = {"name": "A", "company": "B", "greeting": "hello"}
    path.write_text(json.dumps(plain), encoding="utf-8")
    return path


def run(inputs: Sequence[Path], out: Path, *settings: str) -> None:
    found = find(inputs, caller_channel=0, max_minutes=5)
    assert found.errors == []
    for result in replay(found.items, ReplayPlan(load(settings), out), Quietly()):
        assert result.error is None
        assert result.outcome == CALLER_LEFT


def test_eight_calls_at_once_are_what_they_are_one_by_one(
    original: Path, persona: Path, tmp_path: Path
) -> None:
    model = hearing(original, tmp_path / "model")
    settings = (*SETTINGS, f"bot.model={model}", f"persona={persona}")
    recordings = [write_wav(tmp_path / f"c{n}.wav", babble(n)) for n in range(CALLS)]
    run(recordings, tmp_path / "together", *settings, f"replay.calls={CALLS}")
    run(recordings, tmp_path / "alone", *settings)
    kinds, spoke = set[str](), set[str]()
    for number in range(CALLS):
        one, other = (tmp_path / how / f"c{number}" for how in ("together", "alone"))
        check(one)
        for name in ("timeline.jsonl", "transcript.jsonl", "transcript.vtt"):
            assert (one / name).read_bytes() == (other / name).read_bytes()
        for mine, theirs in zip(tracks(one), tracks(other), strict=True):
            assert mine.any()
            np.testing.assert_array_equal(mine, theirs)
        kinds |= {entry.type for entry in timeline(one)}
        spoke |= {entry.data["speaker"] for entry in of(timeline(one), "words")}
    assert {"turn", "words", "cut"} <= kinds
    assert spoke == {"bot", "caller"}


def test_without_seats_a_replay_has_as_many_as_it_has_calls(
    original: Path, persona: Path, tmp_path: Path
) -> None:
    settings = (*SETTINGS, "bot.seats=null", f"bot.model={original}", f"persona={persona}")
    recordings = [write_wav(tmp_path / f"c{n}.wav", babble(n)[: MEDIA_RATE // 2]) for n in range(2)]
    run(recordings, tmp_path / "out", *settings, "replay.calls=2")
    for number in range(2):
        check(tmp_path / "out" / f"c{number}")

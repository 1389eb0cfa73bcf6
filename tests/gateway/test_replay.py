"""Replay: the same input, seed and settings give the same bytes, alone and among others."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bot.engines.scripted import FIRST_HZ, NEXT_HZ
from gateway.config import Fidelity, load
from gateway.inputs import ReplayItem, find
from gateway.legs.replay import QUIET
from gateway.outcome import CALLER_LEFT
from gateway.replay import Replayed, ReplayPlan, replay
from media.frame import MEDIA_RATE, PACKET, STEP, silence
from media.recorder import InlineWriter, Recorder
from media.timeline import Entry, encode
from media.tones import tone, which_tones
from tests.gateway.calls import check, of, summary, timeline, tracks, transcript
from tests.gateway.sounds import speech, write_wav

DELAY = STEP + PACKET + 60 * 16  # a frame, a packet, and the kept depth
PITCHES = [FIRST_HZ + NEXT_HZ * n for n in range(8)]
BYTES = ("call.wav", "timeline.jsonl", "transcript.jsonl", "transcript.vtt")
SCRIPT = (
    "bot.script.lines=["
    "{say: one two three four five six seven eight, at_ms: 0},"
    "{stop: barge-in, at_ms: 480, resume: true},"
    "{say: you have spoken once, after_turn: 1},"
    "{say: you have spoken twice, after_turn: 2},"
    "{say: good bye now, at_ms: 6400},"
    "{hangup: goodbye, at_ms: 6480}]"
)
SCRIPTED = ["bot=scripted", SCRIPT, "bot.script.barge_in=true"]


class Quietly:
    """Progress that nobody watches, but for the test."""

    def __init__(self) -> None:
        self.samples: dict[str, int] = {}
        self.done: list[str] = []

    def heard(self, call_id: str, samples: int) -> None:
        self.samples[call_id] = self.samples.get(call_id, 0) + samples

    def ended(self, result: Replayed) -> None:
        self.done.append(result.item.call_id)


def run(
    inputs: Sequence[Path], out: Path, *overrides: str, fidelity: Fidelity = "ideal"
) -> list[Replayed]:
    found = find(inputs, caller_channel=0, max_minutes=120)
    assert found.errors == []
    plan = ReplayPlan(load(list(overrides)), out, fidelity=fidelity)
    return replay(found.items, plan, Quietly())


def same(one: Path, other: Path, *names: str) -> None:
    for name in names or BYTES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def add_to_timeline(folder: Path, *entries: Entry) -> None:
    """As if these facts had been recorded, too."""
    *told, ending = timeline(folder)
    lines = [encode(entry) for entry in sorted([*told, *entries], key=lambda entry: entry.at)]
    text = "\n".join([*lines, encode(ending)]) + "\n"
    (folder / "timeline.jsonl").write_text(text, encoding="utf-8")


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    """Three callers, each with a pace of his own."""
    folder = tmp_path / "in"
    folder.mkdir()
    return [
        write_wav(folder / f"c{n}.wav", speech(turns=1 + n % 2, turn_ms=400 + 130 * n))
        for n in range(3)
    ]


# ---- the same bytes --------------------------------------------------------------------------


@pytest.mark.parametrize("overrides", [SCRIPTED, ["bot=echo"]], ids=["scripted", "echo"])
def test_twice_alone_and_among_others_the_bytes_are_the_same(
    overrides: list[str], recordings: list[Path], tmp_path: Path
) -> None:
    run(recordings, tmp_path / "a", *overrides)
    run(list(reversed(recordings)), tmp_path / "together", *overrides, "replay.calls=4")
    for n, recording in enumerate(recordings):
        run([recording], tmp_path / "alone", *overrides)
        check(tmp_path / "a" / f"c{n}")
        for other in ("together", "alone"):
            same(tmp_path / "a" / f"c{n}", tmp_path / other / f"c{n}")


@pytest.mark.parametrize("overrides", [SCRIPTED, ["bot=echo"]], ids=["scripted", "echo"])
def test_a_replayed_folder_replays_bit_for_bit(
    overrides: list[str], recordings: list[Path], tmp_path: Path
) -> None:
    run(recordings[:2], tmp_path / "first", *overrides)
    folders = [tmp_path / "first" / f"c{n}" for n in range(2)]
    run(folders, tmp_path / "second", *overrides)
    again = [tmp_path / "second" / f"c{n}" for n in range(2)]
    run(again, tmp_path / "third", *overrides)
    for n in range(2):
        same(folders[n], again[n])
        same(folders[n], tmp_path / "third" / f"c{n}")


def test_keys_and_holds_of_the_recorded_call_are_replayed(
    recordings: list[Path], tmp_path: Path
) -> None:
    overrides = ["bot=scripted", "bot.script.lines=[{say: hello, at_ms: 0}]"]
    run(recordings[:1], tmp_path / "first", *overrides)
    folder = tmp_path / "first" / "c0"
    add_to_timeline(
        folder,
        Entry(0, "digit", {"key": "7"}),
        Entry(32_000, "held", {"on": True}),
        Entry(32_320, "moved", {"source": "192.0.2.7:4002"}),
    )
    run([folder], tmp_path / "second", *overrides)
    run([tmp_path / "second" / "c0"], tmp_path / "third", *overrides)
    told = timeline(tmp_path / "second" / "c0")
    assert [entry.at for entry in of(told, "digit")] == [0]
    assert [entry.at for entry in of(told, "held")] == [32_000]
    assert of(told, "moved") == [Entry(32_320, "moved", {"source": "192.0.2.7:4002"})]
    assert "key 7" in [line["text"] for line in transcript(tmp_path / "second" / "c0")]
    same(tmp_path / "second" / "c0", tmp_path / "third" / "c0")


# ---- what is heard ---------------------------------------------------------------------------


def test_an_echo_is_the_caller_delayed_by_a_frame_a_packet_and_the_depth(tmp_path: Path) -> None:
    said = np.random.default_rng(5).integers(-9000, 9000, 3 * MEDIA_RATE + 77, np.int16)
    run([write_wav(tmp_path / "a.wav", said)], tmp_path / "out", "bot=echo")
    left, right = tracks(tmp_path / "out" / "a")
    assert np.array_equal(left[: len(said)], said)
    assert np.array_equal(right[DELAY:], left[:-DELAY])
    assert not right[:DELAY].any()
    assert summary(tmp_path / "out" / "a")["playout"]["underruns"] == 0


@pytest.mark.parametrize("depth_ms", [0, 20, 200])
def test_the_delay_follows_the_depth(depth_ms: int, tmp_path: Path) -> None:
    said = np.random.default_rng(5).integers(-9000, 9000, MEDIA_RATE, np.int16)
    path = write_wav(tmp_path / "a.wav", said)
    run([path], tmp_path / "out", "bot=echo", f"playout.depth_ms={depth_ms}")
    left, right = tracks(tmp_path / "out" / "a")
    delay = STEP + PACKET + 16 * depth_ms
    assert np.array_equal(right[delay:], left[:-delay])


def test_after_a_cut_its_tone_is_gone_within_a_packet(
    recordings: list[Path], tmp_path: Path
) -> None:
    run(recordings[1:2], tmp_path / "out", *SCRIPTED)
    folder = tmp_path / "out" / "c1"
    right = tracks(folder)[1]
    entries = timeline(folder)
    cuts, words = of(entries, "cut"), of(entries, "words")
    assert len(cuts) >= 2
    for cut in cuts:
        until = cut.data["heard_until"]
        said = [entry.data["utterance"] for entry in words if entry.data["start"] < until]
        before = which_tones(right[until - 3 * PACKET : until], PITCHES, rate=MEDIA_RATE)
        assert before == (PITCHES[said[-1] - 1],)
        assert not right[until : until + 3 * PACKET].any()
    for line in transcript(folder):
        sounding = right[line["start"] + 64 : line["heard_until"] - 64]
        assert len(which_tones(sounding, PITCHES, rate=MEDIA_RATE)) == 1


def test_after_the_recording_silence_is_fed_until_the_bot_has_done(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", silence(MEDIA_RATE))
    line = "bot.script.lines=[{say: one two three four five, at_ms: 0}]"
    (result,) = run([path], tmp_path / "out", "bot=scripted", line)
    assert result.outcome == CALLER_LEFT
    bot = 5 * 4_800 + DELAY
    assert abs(len(tracks(tmp_path / "out" / "a")[0]) - bot - QUIET) <= 2 * PACKET


# ---- the other fidelities --------------------------------------------------------------------


def test_fed_gives_back_sound_and_transcript_of_a_call_with_cuts_and_keys(
    recordings: list[Path], tmp_path: Path
) -> None:
    run(recordings, tmp_path / "recorded", *SCRIPTED)
    recorded = [tmp_path / "recorded" / f"c{n}" for n in range(3)]
    for folder in recorded:
        add_to_timeline(folder, Entry(20_000, "digit", {"key": "7"}))
    run(recorded, tmp_path / "first", *SCRIPTED)
    folders = [tmp_path / "first" / f"c{n}" for n in range(3)]
    for kind in ("resume", "cut", "digit", "tool"):
        assert any(of(timeline(folder), kind) for folder in folders), kind
    run(folders, tmp_path / "fed", *SCRIPTED, "replay.calls=3", fidelity="fed")
    for n, folder in enumerate(folders):
        same(folder, tmp_path / "fed" / f"c{n}", "call.wav", "transcript.jsonl", "transcript.vtt")
        check(tmp_path / "fed" / f"c{n}")


def test_fed_needs_a_call_that_was_recorded(recordings: list[Path], tmp_path: Path) -> None:
    (result,) = run(recordings[:1], tmp_path / "out", "bot=scripted", fidelity="fed")
    assert result.outcome is None
    assert "needs a call folder made by Parley" in str(result.error)
    assert not (tmp_path / "out").exists()


def test_fed_needs_its_timeline(recordings: list[Path], tmp_path: Path) -> None:
    run(recordings[:1], tmp_path / "first", "bot=scripted")
    (tmp_path / "first" / "c0" / "timeline.jsonl").unlink()
    (result,) = run([tmp_path / "first" / "c0"], tmp_path / "out", fidelity="fed")
    assert result.outcome is None
    assert "timeline.jsonl" in str(result.error)


def test_timed_costs_what_it_costs_and_says_the_same(
    recordings: list[Path], tmp_path: Path
) -> None:
    run(recordings[:1], tmp_path / "ideal", *SCRIPTED)
    run(recordings[:1], tmp_path / "timed", *SCRIPTED, fidelity="timed")
    check(tmp_path / "timed" / "c0")
    # The script goes by the caller's samples: late steps move the words, not their order.
    said = [
        [entry.data["text"] for entry in of(timeline(tmp_path / name / "c0"), "words")]
        for name in ("ideal", "timed")
    ]
    assert said[0][0] == said[1][0]
    assert summary(tmp_path / "timed" / "c0")["steps"]["ms"]["p50"] >= 0
    assert summary(tmp_path / "ideal" / "c0")["steps"]["ms"] is None


# ---- folders ---------------------------------------------------------------------------------


def test_an_earlier_replay_is_replaced_and_nothing_else_is(
    recordings: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(recordings[:1], out, "bot=echo")
    (out / "c0" / "diff.json").write_text("{}")
    (out / "c1").mkdir()
    (out / "c1" / "precious.txt").write_text("mine")
    (out / "c2").write_text("a file")
    results = run(recordings, out, "bot=echo")
    assert [result.outcome is None for result in results] == [False, True, True]
    assert not (out / "c0" / "diff.json").exists()
    assert (out / "c1" / "precious.txt").read_text() == "mine"
    assert (out / "c2").read_text() == "a file"
    assert all("is not a call folder" in str(result.error) for result in results[1:3])


def test_a_folder_that_is_being_recorded_is_left_alone(
    recordings: list[Path], tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "out" / "c0", writer=InlineWriter())
    recorder.open()
    (result,) = run(recordings[:1], tmp_path / "out", "bot=echo")
    assert "is being recorded" in str(result.error)
    assert (tmp_path / "out" / "c0" / "timeline.jsonl").exists()
    recorder.finish()


def test_progress_is_told(recordings: list[Path], tmp_path: Path) -> None:
    progress = Quietly()
    items: list[ReplayItem] = find(recordings, caller_channel=None, max_minutes=120).items
    replay(items, ReplayPlan(load(["bot=echo"]), tmp_path / "out"), progress)
    assert progress.done == ["c0", "c1", "c2"]
    with wave.open(str(recordings[2])) as file:
        assert progress.samples["c2"] == file.getnframes()


def test_a_tone_survives_a_telephone_recording(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(700, 8_000, rate=8_000), rate=8_000)
    run([path], tmp_path / "out", "bot=echo")
    right = tracks(tmp_path / "out" / "a")[1]
    heard = right[DELAY : DELAY + MEDIA_RATE]
    assert which_tones(heard, [350, 700, 1400], rate=MEDIA_RATE) == (700,)

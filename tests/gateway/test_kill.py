"""What is on disk after ``kill -9`` and after Ctrl-C, and what the next start makes of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.engines.scripted import FIRST_HZ
from gateway.cli import DONE, FAILED, INTERRUPTED, main
from media.frame import MEDIA_RATE
from media.timelinefile import is_being_written, read
from media.tones import which_tones
from tests.gateway.calls import check, summary, timeline, tracks
from tests.gateway.sounds import speech, write_wav

pytestmark = pytest.mark.live
MOST_S = 30.0
LINES = "bot.script.lines=[{say: one two three four five six seven eight nine ten, at_ms: 0}]"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "call.wav", speech(turns=10))


@contextmanager
def live_replay(recording: Path, out: Path) -> Iterator[subprocess.Popen[str]]:
    """A replay at the pace of real time, in a process of its own."""
    command = [sys.executable, "-m", "gateway", "replay", str(recording), "--out", str(out)]
    command += ["--pace", "live", "bot=scripted", LINES]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(path: Path, *, most: int) -> float:
    """Until ``path`` has grown to ``most`` bytes; returns when it was made (monotonic)."""
    born, give_up = 0.0, time.monotonic() + MOST_S  # noqa: TID251
    while time.monotonic() < give_up:  # noqa: TID251
        if path.exists():
            born = born or time.monotonic()  # noqa: TID251
            if path.stat().st_size >= most:
                return born
        time.sleep(0.005)  # noqa: TID251
    raise AssertionError(f"{path} did not grow")


def test_kill_9_costs_a_second_at_most(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    folder = out / "call"
    other = write_wav(tmp_path / "other.wav", speech(turns=1))
    with live_replay(recording, out) as process:
        born = wait_for(folder / "call.wav", most=MEDIA_RATE)
        # While it lives, others neither finish the call nor write over it.
        assert main(["replay", str(other), str(recording), "--out", str(out), "bot=echo"]) == FAILED
        assert f"{folder}: is being recorded" in capsys.readouterr().err
        assert (out / "other" / "call.json").exists()
        assert not (folder / "call.json").exists()
        # More than is asked for below: sound is in the file a moment before the header says so.
        wait_for(folder / "call.wav", most=MEDIA_RATE * 7)
        process.kill()
        ran = time.monotonic() - born  # noqa: TID251
        process.wait()
    left, right = tracks(folder)  # opens as it is, before anybody mends it
    assert len(left) == len(right) >= MEDIA_RATE
    assert len(left) / MEDIA_RATE > ran - 1.0
    assert which_tones(right[8_000:12_000], [FIRST_HZ, 300], rate=MEDIA_RATE) == (FIRST_HZ,)
    told = list(read(folder / "timeline.jsonl", torn_ok=True))
    assert [entry.type for entry in told][:3] == ["offer", "answer", "words"]
    assert not (folder / "call.json").exists()
    assert not is_being_written(folder / "timeline.jsonl")

    assert main(["replay", str(other), "--out", str(out), "bot=echo"]) == DONE
    check(folder)
    assert summary(folder)["outcome"] == {"fault": "gateway", "reason": "killed"}
    assert timeline(folder)[-1].at == len(tracks(folder)[0])


def test_ctrl_c_finishes_the_call_as_stopped(recording: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "call"
    with live_replay(recording, tmp_path / "out") as process:
        wait_for(folder / "call.wav", most=MEDIA_RATE * 2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=MOST_S)
    assert process.returncode == INTERRUPTED
    assert err.strip() == ""
    check(folder)
    assert summary(folder)["outcome"] == {"fault": "gateway", "reason": "stopped"}

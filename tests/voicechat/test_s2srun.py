"""``parley s2s`` over recordings, on the tiny checkpoint."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bot.voicechat.mel import frames_of
from bot.voicechat.pipeline import StreamingS2SPipeline
from gateway import s2scommand
from gateway.cli import DONE, FAILED, INTERRUPTED, USAGE, main
from tests.voicechat.s2sfiles import (
    JSON,
    SAMPLES,
    files_of,
    heard,
    names,
    put,
    recordings,
    rows,
    s2s,
    sample,
)

Capture = pytest.CaptureFixture[str]

FRAME = 1764


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return recordings(tmp_path / "calls")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


# ---- what goes well --------------------------------------------------------------------------


def test_a_folder_side_by_side_and_the_broken_one_told(
    calls: Path, original: Path, out: Path, capsys: Capture
) -> None:
    assert s2s(calls, original, out, "streaming.batch_size=2", "pad_audio_by_sec=0.5") == FAILED
    said = capsys.readouterr()
    assert said.err.splitlines() == [f"parley: {calls}/broken.wav: cut off before the sound begins"]
    assert "streamed question" in said.out
    assert "RTFx" in said.out
    assert f"2 of 3 in {out}" in " ".join(said.out.split())
    assert names(out) == JSON | files_of("question") | files_of("wrong-number")
    frames = frames_of(24_000)
    assert heard(out / "wav/question.wav").shape == (frames * FRAME, 1)
    assert heard(out / "wav/question.wav").any()
    row, raw = (rows(out / f"output_{kind}.json")["question"] for kind in ("processed", "raw"))
    assert row["output_capabilities"]["has_rnnt"] is True
    assert row["pred_audio"] == "wav/question.wav"
    assert raw["pred_text"].count("<SPECIAL_12>") < frames
    assert (out / "txt/question_asr.txt").read_text().strip() == row["pred_src_text"]


def test_the_stereo_file_holds_both_the_answer_a_chunk_late(
    calls: Path, original: Path, out: Path
) -> None:
    file = calls / "question.wav"
    assert s2s(file, original, out, "streaming.chunk_size_in_secs=0.24") == DONE
    both, answer = heard(out / "stereo/question_input_output.wav"), heard(out / "wav/question.wav")
    assert not both[: 3 * FRAME, 1].any()
    assert (both[3 * FRAME :, 1] == answer[:, 0]).all()
    asked = sample("question", seconds=1.0).astype(np.float64)
    near = np.interp(np.arange(22_050) / 22_050, np.arange(16_000) / 16_000, asked)
    assert np.corrcoef(near, both[:22_050, 0])[0, 1] > 0.98
    assert not both[22_050:, 0].any()


def test_times_of_tokens_follow_the_frames(calls: Path, original: Path, out: Path) -> None:
    words = ("s2s.decode_audio=false", "s2s.temperature=3.0", "s2s.top_p=1.0")
    assert s2s(calls / "question.wav", original, out, *words) == DONE
    assert names(out) == JSON | files_of("question", aloud=False)
    lines = [line.split() for line in (out / "ctm/question.ctm").read_text().splitlines()]
    assert lines
    for stem, channel, start, length, token in lines:
        assert (stem, channel, length) == ("question", "A", "0.080")
        assert (float(start) / 0.08) == pytest.approx(round(float(start) / 0.08))
        assert token != "<SPECIAL_12>"
    assert float(lines[-1][2]) < frames_of(16_000) * 0.08
    assert rows(out / "output_raw.json")["question"]["pred_audio"] == ""


def test_side_by_side_changes_nothing(calls: Path, original: Path, tmp_path: Path) -> None:
    (calls / "broken.wav").unlink()
    one, two = tmp_path / "one", tmp_path / "two"
    assert s2s(calls, original, one) == DONE
    assert s2s(calls, original, two, "streaming.batch_size=2") == DONE
    assert rows(one / "output_raw.json") == rows(two / "output_raw.json")
    difference = heard(one / "wav/question.wav").astype(int) - heard(two / "wav/question.wav")
    assert abs(difference).max() <= 2


def test_a_manifest_with_references_prompts_and_names_that_collide(
    calls: Path, original: Path, out: Path, tmp_path: Path, capsys: Capture
) -> None:
    put(tmp_path / "more" / "question.wav", sample("booking", seconds=0.5))
    lines: list[dict[str, Any]] = [
        {"audio_filepath": "calls/question.wav", "text": "What time is it?"},
        {"audio_filepath": "more/question.wav", "system_prompt": "Be “kind”.", "persona": "x"},
        {"audio_filepath": "calls/gone.wav"},
    ]
    manifest = tmp_path / "calls.json"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    words = ("s2s.system_prompt=hello", "s2s.profile_timing=true", "streaming.batch_size=3")
    assert s2s(manifest, original, out, *words) == FAILED
    said = capsys.readouterr()
    assert said.err.splitlines() == [f"parley: {tmp_path}/calls/gone.wav: no such file"]
    assert "edits, 4 words, 1 recordings)" in said.out
    assert said.out.count("s2s.profile_timing: ignored:") == 1
    assert "persona: ignored" in said.out
    found = rows(out / "output_processed.json")
    assert found["question"]["src_text"] == "What time is it?"
    assert found["question"]["system_prompt"] == "hello"
    assert found["question-2"]["system_prompt"] == "Be “kind”."
    assert names(out) == JSON | files_of("question") | files_of("question-2")


def test_the_callers_channel_of_a_stereo_recording(
    original: Path, out: Path, tmp_path: Path, capsys: Capture
) -> None:
    pcm = np.stack([np.zeros(8000, np.int16), sample("question", seconds=0.5)], 1)
    file = put(tmp_path / "both.wav", pcm)
    assert s2s(file, original, out) == FAILED
    assert "stereo, and nothing says which channel is the caller's" in capsys.readouterr().err
    assert s2s(file, original, out, "--caller-channel", "1") == DONE
    assert heard(out / "stereo/both_input_output.wav")[:, 0].any()


def test_a_bar_on_a_terminal(calls: Path, original: Path, out: Path) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    words = [f"audio_file={calls}", f"s2s.model_path={original}", f"output_dir={out}"]
    words += ["streaming.max_len=200", "s2s.decode_audio=false"]
    code = s2scommand.run(words, caller_channel=None, config_dir=None, console=console)
    assert code == FAILED
    assert "streaming" in screen.getvalue()
    assert "100 %" in screen.getvalue()
    assert "streamed" not in screen.getvalue()


def test_the_example_of_the_docs_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    put(tmp_path / "samples" / "wrong-number.wav", sample("wrong-number", seconds=0.5))
    monkeypatch.chdir(tmp_path)
    page = (SAMPLES.parent / "docs" / "s2s.md").read_text("utf-8")
    first, second = re.findall(r"^\$ parley (s2s .*)$", page, re.MULTILINE)
    assert main(first.split()) == DONE
    assert main([*second.split(), "streaming.max_len=200"]) == DONE
    assert capsys.readouterr().out.endswith("1 of 1 in out\n")
    assert names(Path("out")) == JSON | files_of("wrong-number")


# ---- what does not ---------------------------------------------------------------------------


def one_line(capsys: Capture) -> str:
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("parley: ")


def test_bad_settings_cost_one_line(
    calls: Path, original: Path, out: Path, capsys: Capture
) -> None:
    assert s2s(calls, original, out, "s2s.temprature=1") == USAGE
    assert one_line(capsys) == "s2s.temprature: no such key; did you mean s2s.temperature?"
    assert s2s(calls, original, out, "s2s.llm_engine_type=vllm_omni") == USAGE
    assert "bot=realtime" in one_line(capsys)
    assert main(["s2s", f"s2s.model_path={original}"]) == USAGE
    assert one_line(capsys).startswith("audio_file: missing")
    assert main(["s2s", f"audio_file={calls}"]) == USAGE
    assert one_line(capsys).startswith("s2s.model_path: missing")
    assert main(["s2s", "--make-tiny", str(out), "audio_file=x"]) == USAGE
    assert "--make-tiny takes no settings" in one_line(capsys)
    assert not out.exists()


def test_what_is_read_is_not_written_over(
    calls: Path, original: Path, out: Path, tmp_path: Path, capsys: Capture
) -> None:
    file = put(tmp_path / "out" / "wav" / "a.wav", sample("question", seconds=0.2))
    before = file.read_bytes()
    assert s2s(file.parent, original, out) == USAGE
    assert one_line(capsys).startswith(f"output_dir={out}: ")
    assert file.read_bytes() == before


def test_longer_than_a_row_is_refused_and_the_others_go_on(
    calls: Path, original: Path, out: Path, capsys: Capture
) -> None:
    put(calls / "broken.wav", sample("booking", seconds=2.0))
    assert s2s(calls, original, out, "streaming.max_len=15") == FAILED
    assert "streaming.max_len" in one_line(capsys)
    assert names(out) == JSON | files_of("question") | files_of("wrong-number")
    assert s2s(calls, original, out, "streaming.max_len=15", "pad_audio_to_sec=1.5") == FAILED
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert f"{calls}/question.wav: its 15 frames are used up" in "".join(lines)


def test_too_little_memory_names_what_takes_it(
    calls: Path, original: Path, out: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = StreamingS2SPipeline.open_session

    def full(self: StreamingS2SPipeline) -> None:
        if self.settings.length == 200:  # and not the builder's own
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 4 TB")
        opened(self)

    monkeypatch.setattr(StreamingS2SPipeline, "open_session", full)
    assert s2s(calls / "question.wav", original, out, "streaming.batch_size=3") == USAGE
    assert one_line(capsys) == (
        "streaming.batch_size: no memory for 3 streams of 200 frames; "
        "lower it, or streaming.max_len"
    )


def test_interrupted_it_leaves_nothing_half_written(
    calls: Path, original: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = StreamingS2SPipeline.infer_one_step
    (calls / "broken.wav").unlink()

    def interrupted(self: StreamingS2SPipeline, frames: Any) -> Any:
        if (out / "wav" / "question.wav").exists():
            raise KeyboardInterrupt
        return step(self, frames)

    monkeypatch.setattr(StreamingS2SPipeline, "infer_one_step", interrupted)
    assert s2s(calls, original, out) == INTERRUPTED
    assert names(out) == JSON | files_of("question")
    assert set(rows(out / "output_raw.json")) == {"question"}

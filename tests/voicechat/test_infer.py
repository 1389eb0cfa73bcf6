"""``python -m bot.voicechat.infer``: ``parley s2s`` on a bare machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.voicechat import infer
from gateway.cli import DONE, FAILED, USAGE
from tests.voicechat.s2sfiles import SMALL, names, put, recordings, rows, s2s, sample

Capture = pytest.CaptureFixture[str]


def test_it_writes_the_same(original: Path, tmp_path: Path, capsys: Capture) -> None:
    calls = recordings(tmp_path / "calls")
    put(calls / "wrong number.wav", sample("wrong-number", seconds=0.7))
    ours, bare = tmp_path / "ours", tmp_path / "bare"
    assert s2s(calls, original, ours) == FAILED
    capsys.readouterr()
    words = [f"audio_file={calls}", f"s2s.model_path={original}", f"output_dir={bare}", *SMALL]
    assert infer.main(words) == FAILED
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith(f"infer: {calls}/broken.wav: no WAV that can be read")
    assert "streamed question\n" in said.out
    assert names(bare) == names(ours)
    for name in names(ours):
        assert (bare / name).read_bytes() == (ours / name).read_bytes()


def test_a_manifest(original: Path, tmp_path: Path, capsys: Capture) -> None:
    put(tmp_path / "calls" / "a.wav", sample("question", seconds=0.3))
    manifest = tmp_path / "m.jsonl"
    line = '{"audio_filepath": "calls/a.wav", "text": "one two", "system_prompt": "Be brief."}\n'
    manifest.write_text(line * 2)
    out = tmp_path / "out"
    words = [f"audio_file={manifest}", f"s2s.model_path={original}", f"output_dir={out}", *SMALL]
    assert infer.main([*words, "s2s.decode_audio=false"]) == DONE
    assert "4 words, 2 recordings)" in capsys.readouterr().out
    found = rows(out / "output_processed.json")
    assert {*found} == {"a", "a-2"}
    assert {line["system_prompt"] for line in found.values()} == {"Be brief."}


def test_values_are_json_or_text() -> None:
    words = ["a.b=1", "a.c=true", "a.d.e=null", "f=[70, 0]", "g=Be brief = short.", "h="]
    assert infer.plain_of(words) == {
        "a": {"b": 1, "c": True, "d": {"e": None}},
        "f": [70, 0],
        "g": "Be brief = short.",
        "h": "",
    }


def test_what_is_wrong_costs_one_line(original: Path, tmp_path: Path, capsys: Capture) -> None:
    def told(code: int, *words: str) -> str:
        assert infer.main(words) == code
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("infer: ")

    slow = put(tmp_path / "a.wav", np.zeros(800, np.int16), rate=8_000)
    model = f"s2s.model_path={original}"
    given = (model, f"audio_file={slow}", f"output_dir={tmp_path / 'out'}")
    assert told(FAILED, *given, *SMALL) == (
        f"{slow}: 1 channels, 16 bits, 8000 Hz; mono, 16 bits, 16 kHz; parley s2s reads others"
    )
    assert told(USAGE, *given, "s2s.sped=1").startswith("s2s.sped: no such key")
    assert told(USAGE, model).startswith("audio_file: missing")
    assert told(USAGE, "audio_file") == "audio_file: no value; write key=value"
    assert told(USAGE, "s2s=1", "s2s.seed=1") == "s2s.seed: s2s has a value of its own"
    for name in ("gone.jsonl", "gone.wav"):
        gone = tmp_path / name
        words = (model, f"audio_file={gone}", f"output_dir={tmp_path / 'out'}", *SMALL)
        assert told(FAILED, *words) == f"{gone}: No such file or directory"
    (tmp_path / "empty").mkdir()
    assert "no recordings" in told(USAGE, model, f"audio_file={tmp_path / 'empty'}")
    for number, line in enumerate(('{"text": "a"}', "{", '{"audio_filepath": 1}')):
        manifest = tmp_path / f"{number}.json"
        manifest.write_text(f"\n{line}\n")
        assert told(USAGE, model, f"audio_file={manifest}").startswith(f"{manifest}:2: ")

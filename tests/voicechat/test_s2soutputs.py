"""Files of streams: what is in them, whose they are, and that none is ever half there."""

from __future__ import annotations

import io
import json
import os
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bot.voicechat.heardagain import at_output_rate
from bot.voicechat.s2soutputs import (
    OUT_RATE,
    Channel,
    Mark,
    OutputFolder,
    Record,
    files_of,
    free_stem,
    side_by_side,
    wav,
)

STAMPED = "<|0.16|> Hello. <$0.4$>"
MARKS = (Mark(2, "<s>"), Mark(3, "Hello"), Mark(5, "</s>"))
AGENT = Channel("Hello.", STAMPED, "<s>Hello.</s>", MARKS)
PIECES = (Mark(0, "▁hi"), Mark(1, "▁th"), Mark(1, "ere"))
CALLER = Channel("hi there", "hi there", "hi there", PIECES)
BOTH = {"has_asr_head": False, "has_function_head": False, "has_rnnt": True}


def record(stem: str = "a", *, said: bool = True, reference: str = "") -> Record:
    return Record(
        stem=stem,
        heard=np.full(16_000, 0.25, np.float32),
        said=np.full(OUT_RATE, -0.5, np.float32) if said else None,
        agent=AGENT,
        caller=CALLER,
        reference=reference,
        system_prompt="Be “kind”.",
        capabilities=BOTH,
    )


def read(content: bytes) -> npt.NDArray[np.int16]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (OUT_RATE, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels())


def rows(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_tokens_of_a_frame_share_its_time() -> None:
    files = files_of(record(said=False), chunk_s=0.08)
    assert files["ctm/a.ctm"] == (
        b"a A 0.160 0.080 <s>\na A 0.240 0.080 Hello\na A 0.400 0.080 </s>\n"
    )
    assert files["ctm/a_asr.ctm"] == (
        "a A 0.000 0.080 ▁hi\na A 0.080 0.040 ▁th\na A 0.120 0.040 ere\n".encode()
    )
    assert files["wav/a.wav"] is files["stereo/a_input_output.wav"] is None


def test_the_answer_is_a_chunk_late() -> None:
    heard, said = np.full(3200, 0.25, np.float32), np.full(4410, -0.5, np.float32)
    left, right = side_by_side(heard, said, chunk_s=0.16)
    assert len(left) == len(right) == 4410 + 3528
    np.testing.assert_allclose(left[100:4310], 0.25, atol=1e-3)
    assert not left[4410:].any()
    assert not right[:3528].any()
    assert (right[3528:] == -0.5).all()


def test_sound_is_16_bit_and_clipped() -> None:
    loud = np.array([0.0, 0.5, 1.0, -1.0, 3.0, -3.0], np.float32)
    assert read(wav([loud]))[:, 0].tolist() == [0, 16_384, 32_767, -32_768, 32_767, -32_768]


def test_the_rate_changes_and_nothing_is_shifted() -> None:
    hz, rate = 1_234.5, 16_000
    heard = np.sin(2 * np.pi * hz * np.arange(70_000) / rate).astype(np.float32)
    again = at_output_rate(heard)
    assert len(again) == 96_469
    wanted = np.sin(2 * np.pi * hz * np.arange(len(again)) / OUT_RATE)
    np.testing.assert_allclose(again[50:-50], wanted[50:-50], atol=2e-4)
    assert len(at_output_rate(np.zeros(0, np.float32))) == 0


def test_a_folder_of_streams(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "out", chunk_s=0.08)
    folder.begin()
    folder.write(record("a", reference="Hi there!"))
    first = names(folder.root)
    assert first == {
        "wav/a.wav",
        "stereo/a_input_output.wav",
        "txt/a.txt",
        "txt/a_asr.txt",
        "ctm/a.ctm",
        "ctm/a_asr.ctm",
        "output_processed.json",
        "output_raw.json",
    }
    assert (folder.root / "txt/a.txt").read_text() == "Hello.\n"
    folder.write(record("b"))
    (raw, _), (row, other) = (rows(folder.root / f"output_{n}.json") for n in ("raw", "processed"))
    assert row == {
        "id": "a",
        "target_text": "",
        "pred_audio": "wav/a.wav",
        "src_text": "Hi there!",
        "pred_src_text": "hi there",
        "pred_text": STAMPED,
        "pred_function_text": "",
        "output_capabilities": BOTH,
        "system_prompt": "Be “kind”.",
    }
    assert other["id"] == "b"
    assert raw == row | {"pred_text": "<s>Hello.</s>"}
    assert read((folder.root / "wav/a.wav").read_bytes()).shape == (OUT_RATE, 1)
    assert read((folder.root / "stereo/a_input_output.wav").read_bytes()).shape == (23_814, 2)


def test_what_an_earlier_run_left_does_not_stay(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path, chunk_s=0.08)
    folder.begin()
    folder.write(record())
    folder.begin()
    assert rows(tmp_path / "output_raw.json") == []
    folder.write(record(said=False))
    assert not (tmp_path / "wav" / "a.wav").exists()
    assert rows(tmp_path / "output_raw.json")[0]["pred_audio"] == ""


def test_interrupted_nothing_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = OutputFolder(tmp_path, chunk_s=0.08)
    folder.begin()
    folder.write(record())
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}

    def interrupted(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder.write(record("b"))
    with pytest.raises(KeyboardInterrupt):
        folder.write(record("a", said=False))
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_no_two_streams_write_the_same_file() -> None:
    taken: set[str] = set()
    stems = [free_stem(stem, taken) for stem in ("a", "a_asr", "a", "b_function", "b", "c")]
    assert stems == ["a", "a_asr-2", "a-2", "b_function", "b-2", "c"]
    written = [name for stem in stems for name in files_of(record(stem), chunk_s=0.08)]
    assert len(set(written)) == len(written)

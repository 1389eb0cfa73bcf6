"""``parley doctor DIR`` where there is no checkpoint, or nothing to read one with."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import FAILED, USAGE, main


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error, and nothing else."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err.removesuffix("\n")


def test_a_folder_of_something_else_is_no_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", str(tmp_path)]) == FAILED
    line = f"parley: {tmp_path}: no checkpoint: there is no config.json in it"
    assert told(capsys) == line
    (tmp_path / "parley.yaml").write_text("seed: 5\n", encoding="utf-8")
    assert main(["doctor", str(tmp_path)]) == FAILED
    assert told(capsys) == f"{line}; to check settings, name {tmp_path / 'parley.yaml'}"


def test_without_torch_a_checkpoint_costs_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("gateway.voicechat.missing", lambda: "torch not installed")
    assert main(["doctor", str(tmp_path)]) == FAILED
    assert told(capsys) == "parley: VoiceChat: torch not installed; make setup EXTRAS=voicechat"


@pytest.mark.parametrize("words", [["one", "two"], ["--reindex", "one"], ["one", "seed=5"]])
def test_one_folder_and_nothing_beside_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert main(["doctor", *words]) == USAGE
    assert told(capsys).startswith("parley: ")

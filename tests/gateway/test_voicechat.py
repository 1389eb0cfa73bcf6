"""VoiceChat as ``parley`` sees it: what it says where torch is missing, too old, or there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from gateway import voicechat
from gateway.cli import DONE, FAILED, USAGE, main

THERE = importlib.util.find_spec("torch") and importlib.util.find_spec("transformers")
VERSIONS = {"torch": "2.13.0+cpu", "transformers": "5.23.0"}


def install(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str]) -> None:
    """Make these, and none of the others, look installed."""
    find, version = importlib.util.find_spec, importlib.metadata.version

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        if name in voicechat.LEAST:
            return ModuleSpec(name, None) if name in versions else None
        return find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: versions.get(name) or version(name)
    )


@pytest.mark.parametrize(
    ("versions", "why"),
    [
        ({}, "torch and transformers not installed"),
        ({"torch": "2.13.0"}, "transformers not installed"),
        (VERSIONS | {"transformers": "5.12.1"}, "transformers 5.12.1 is older than 5.16.1"),
        (VERSIONS | {"torch": "2.10.1+cu128"}, "torch 2.10.1+cu128 is older than 2.11.0"),
        (VERSIONS, ""),
        ({"torch": "2.11.0", "transformers": "5.16.1"}, ""),
        ({"torch": "3.0", "transformers": "6.0"}, ""),
    ],
)
def test_what_is_missing_is_told(
    monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], why: str
) -> None:
    install(monkeypatch, versions)
    assert voicechat.missing() == why


def test_without_torch_a_tiny_checkpoint_costs_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install(monkeypatch, {})
    assert main(["s2s", "--make-tiny", str(tmp_path / "tiny")]) == FAILED
    assert capsys.readouterr().err == (
        "parley: VoiceChat: torch and transformers not installed; make setup EXTRAS=voicechat\n"
    )
    assert not (tmp_path / "tiny").exists()


def test_s2s_without_anything_to_do_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["s2s"]) == USAGE
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "--make-tiny DIR" in lines[0]


def test_the_doctor_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {})
    (finding,) = voicechat.look()
    assert not finding.ok
    assert not finding.needed
    assert finding.remedy == "make setup EXTRAS=voicechat"


@pytest.mark.skipif(not THERE, reason="torch and transformers are an extra")
def test_the_doctor_tells_of_gpu_checkpoint_and_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.voicechat.machine.gpus", lambda: [("Some GPU", 85.0)])
    monkeypatch.setattr("bot.voicechat.machine.cached", lambda: None)
    libraries, gpu, checkpoint = voicechat.look()
    assert libraries.ok
    assert "transformers" in libraries.found
    assert (gpu.ok, gpu.found, gpu.remedy) == (True, "Some GPU, 85 GB", "")
    assert "not in the cache; licence OpenMDW-1.1" in checkpoint.found
    assert checkpoint.remedy.startswith("hf download nvidia/")
    monkeypatch.setattr("bot.voicechat.machine.gpus", lambda: [("Small GPU", 24.0)])
    monkeypatch.setattr("bot.voicechat.machine.cached", lambda: Path("model.safetensors"))
    _, gpu, checkpoint = voicechat.look()
    assert (gpu.ok, gpu.needed) == (False, False)
    assert "32 GB" in gpu.remedy
    assert (checkpoint.ok, checkpoint.remedy) == (True, "")


@pytest.mark.skipif(not THERE, reason="torch and transformers are an extra")
def test_a_tiny_checkpoint_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    assert main(["s2s", "--make-tiny", str(folder)]) == DONE
    assert (folder / "model.safetensors").is_file()
    assert str(folder) in capsys.readouterr().out
    assert main(["s2s", "--make-tiny", str(folder)]) == FAILED
    assert capsys.readouterr().err.startswith(f"parley: {folder}: not empty")

"""``parley doctor DIR``: what it says of a whole checkpoint, and of each way of not being whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TypeAlias

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor

from bot.voicechat import source
from bot.voicechat.source import Pinned, sha256
from gateway import doctorcheckpoint
from gateway.cli import DONE, FAILED, main

Tensors: TypeAlias = dict[str, Tensor]
Spoil: TypeAlias = Callable[[Path], object]
HEAD = "stt_model.lm_head.weight"
BOOKS = "tts_model.tts_model.rvq_embs"
VOICES = "tts_model.audio_prompt_latents."
READING = "reading every value"
HASHING = "taking the SHA-256 of model.safetensors"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding takes one line."""
    monkeypatch.setenv("COLUMNS", "400")


def pin(monkeypatch: pytest.MonkeyPatch, file: Path, *, digest: str = "") -> None:
    """Take this one for the released one, or for one of its size."""
    pinned = Pinned(file.stat().st_size, digest or sha256(file))
    monkeypatch.setattr(source, "RELEASED_WEIGHTS", pinned)


def findings(told: str) -> dict[str, tuple[str, str]]:
    """By what was looked at: the mark, and the rest of the line."""
    lines = (re.split(r"  +", line.strip(), maxsplit=2) for line in told.splitlines())
    return {line[1]: (line[0], line[2]) for line in lines if line[0] in ("ok", "no", "--")}


def change(folder: Path, alter: Callable[[Tensors], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    alter(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_a_whole_one_of_ones_own_is_well(
    original: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", str(original)]) == DONE
    out, err = capsys.readouterr()
    assert (out.splitlines()[0], err) == (READING, "")
    assert HASHING not in out
    assert findings(out) == {
        "layout": (
            "ok",
            "128 tensors of the listening half, 303 of the speaking half; "
            "text head, function head, RNN-T; no ASR head; voice Aria",
        ),
        "values": (
            "ok",
            "431 tensors read: no NaN, no infinity, no weight that is zero throughout",
        ),
        "speech": (
            "ok",
            "the talker's codebooks are the codec's, and control codes and voices fit",
        ),
        "released file": (
            "--",
            f"not the released file: {(original / 'model.safetensors').stat().st_size} bytes, "
            "and that has 44382749892",
        ),
    }


def test_the_released_file_is_known(
    monkeypatch: pytest.MonkeyPatch, original: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pin(monkeypatch, original / "model.safetensors")
    assert main(["doctor", str(original)]) == DONE
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == [READING, HASHING]
    assert findings(out)["released file"] == (
        "ok",
        f"the released file of {source.RELEASED} (SHA-256)",
    )


def test_a_file_of_its_size_with_other_bytes_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tiny / "model.safetensors"
    pin(monkeypatch, file)
    change(tiny, lambda tensors: tensors[HEAD].view(-1)[0].add_(1e-3))
    assert main(["doctor", str(tiny)]) == FAILED
    mark, found = findings(capsys.readouterr().out)["released file"]
    assert mark == "no"
    assert found.startswith("of the released file's size, and not it (SHA-256)")
    assert found.endswith(f"damaged, unless trained further: {source.REFETCH}")


def test_a_speaking_half_that_the_config_does_not_know_is_left_alone(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tiny / "config.json"
    plain = json.loads(file.read_text("utf-8"))
    del plain["model"]["speech_generation"]
    file.write_text(json.dumps(plain), "utf-8")
    change(tiny, lambda tensors: tensors.update({"tts_model.x": torch.zeros(3)}))
    assert main(["doctor", str(tiny)]) == DONE
    told = findings(capsys.readouterr().out)
    assert "128 tensors of the listening half, 304 of the speaking half" in told["layout"][1]
    assert told["layout"][1].endswith("config.json knows no speaking half, so none is read")
    assert told["values"][1].startswith("128 tensors")
    assert "speech" not in told


def test_voices_are_listed(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(tiny, lambda tensors: tensors.update({f"{VOICES}Bo": tensors[f"{VOICES}Aria"] + 1.0}))
    assert main(["doctor", str(tiny)]) == DONE
    assert findings(capsys.readouterr().out)["layout"][1].endswith("; voices Aria, Bo")
    change(tiny, lambda tensors: [tensors.pop(f"{VOICES}{name}") for name in ("Aria", "Bo")])
    assert main(["doctor", str(tiny)]) == DONE
    assert findings(capsys.readouterr().out)["layout"][1].endswith("; no voice")


def test_shards_are_not_the_released_file(
    monkeypatch: pytest.MonkeyPatch, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, shards = tiny / "model.safetensors", ("a.safetensors", "b.safetensors")
    tensors = load_file(file)
    where = {name: shards[place % 2] for place, name in enumerate(tensors)}
    for shard in shards:
        save_file({name: tensors[name] for name in tensors if where[name] == shard}, tiny / shard)
    index = {"metadata": {}, "weight_map": where}
    (tiny / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    file.unlink()
    both = sum((tiny / shard).stat().st_size for shard in shards)
    monkeypatch.setattr(source, "RELEASED_WEIGHTS", Pinned(both, "0" * 64))
    assert main(["doctor", str(tiny)]) == DONE
    assert findings(capsys.readouterr().out)["released file"][0] == "--"


def altered(alter: Callable[[Tensors], object]) -> Spoil:
    return lambda folder: change(folder, alter)


def cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4])


def holed(folder: Path) -> None:
    """The last megabyte was never written: what a download that is allotted first leaves."""
    file = folder / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[:-1_000_000] + bytes(1_000_000))


def other_tokens(folder: Path) -> None:
    file = folder / "llm_artifacts" / "tokenizer.json"
    file.write_text(file.read_text("utf-8").replace('"<SPECIAL_12>"', '"<pad>"'), "utf-8")


@pytest.mark.parametrize(
    ("spoil", "where", "what"),
    [
        (altered(lambda t: t[HEAD].zero_()), f"model.safetensors: {HEAD}", "zero throughout"),
        (altered(lambda t: t[HEAD][7].fill_(float("nan"))), f"model.safetensors: {HEAD}", "NaN"),
        (altered(lambda t: t.pop(HEAD)), f"model.safetensors: {HEAD}", "missing"),
        (cut, "model.safetensors", "cut short"),
        (holed, "model.safetensors: tts_model.", "zero throughout"),
        (
            altered(lambda t: t[BOOKS][3, 2].neg_()),
            f"model.safetensors: {BOOKS}",
            "codebook 3 is not",
        ),
        (other_tokens, "llm_artifacts/tokenizer.json", "<SPECIAL_12> must be id 12"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json", "not JSON"),
        (lambda folder: (folder / "config.json").write_text("{}"), "config.json: model", "missing"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors", "no such"),
    ],
    ids=[
        "zero",
        "nan",
        "missing",
        "cut",
        "holed",
        "books",
        "tokenizer",
        "json",
        "config",
        "weights",
    ],
)
def test_a_fault_costs_one_line(
    tiny: Path, capsys: pytest.CaptureFixture[str], spoil: Spoil, where: str, what: str
) -> None:
    spoil(tiny)
    assert main(["doctor", str(tiny)]) == FAILED
    out, err = capsys.readouterr()
    assert out in ("", f"{READING}\n")
    assert err.count("\n") == 1
    assert err.startswith(f"parley: {tiny}/{where}")
    assert what in err


def test_on_a_terminal_there_is_a_bar_and_no_line_of_it_stays(
    monkeypatch: pytest.MonkeyPatch, original: Path
) -> None:
    pin(monkeypatch, original / "model.safetensors")
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=120, legacy_windows=False)
    found = list(doctorcheckpoint.look(original, console))
    assert [one.what for one in found if one.ok] == ["layout", "values", "speech", "released file"]
    drawn = screen.getvalue()
    for doing in (READING, HASHING):
        assert doing in drawn
    assert "100%" in drawn
    assert drawn.endswith("\x1b[2K")  # the line it was drawn on, cleared


def test_what_is_read_is_told_as_a_share(original: Path) -> None:
    from bot.voicechat.checkpoint import open_checkpoint

    told: list[float] = []
    assert open_checkpoint(original).check_values(tell=told.append) == 431 == len(told)
    assert told == sorted(told)
    assert (told[0] > 0, told[-1]) == (True, 1.0)

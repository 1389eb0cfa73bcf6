"""``parley doctor``: what it looks at, what it says, and how it exits."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.engines.embedded.weights import Weight
from bot.errors import WeightsMissing
from gateway.cli import DONE, FAILED, USAGE, main
from gateway.errors import PortTaken
from gateway.legs.sipbuild import SipBuild, SipBuildBroken


@pytest.mark.weights
def test_a_set_up_machine_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == DONE
    told = capsys.readouterr().out
    for what in ("Python", "recognition", "voice", "meaning", "persona receptionist"):
        assert what in told
    assert "verified" in told


def test_a_missing_model_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing(weight: Weight, model_dir: Path | None = None) -> Path:
        raise WeightsMissing(part=weight.part, path="x.onnx", why="gone", remedy="fetch it")

    monkeypatch.setattr("gateway.doctor.locate", nothing)
    assert main(["doctor"]) == DONE  # every part has a fallback, or says so when it is loaded
    told = capsys.readouterr().out
    assert "x.onnx: gone" in told
    assert "fetch it" in told


def test_a_broken_packaged_persona_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "persona").mkdir()
    (tmp_path / "persona" / "mine.yaml").write_text("name: A\ncompany: B\n", encoding="utf-8")
    monkeypatch.setattr("gateway.doctor.CONFIGS", tmp_path)
    assert main(["doctor"]) == FAILED
    assert "persona mine" in capsys.readouterr().out


def test_a_bad_persona_is_told_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    persona = tmp_path / "mine.yaml"
    persona.write_text("name: A\ncompany: B\ngreetin: hello\n", encoding="utf-8")
    assert main(["doctor", str(persona)]) == USAGE
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2
    assert told[1].startswith(f"{persona}:3: greetin: there is no such key")
    assert "greeting" in told[1]


def test_a_good_persona_and_good_settings_are_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    persona = tmp_path / "mine.yaml"
    persona.write_text("name: A\ncompany: B\ngreeting: Hello.\n", encoding="utf-8")
    settings = tmp_path / "parley.yaml"
    settings.write_text("defaults:\n  - bot: echo\n  - _self_\nseed: 5\n", encoding="utf-8")
    assert main(["doctor", str(persona)]) == DONE
    assert main(["doctor", str(settings)]) == DONE
    assert capsys.readouterr().out.splitlines() == [
        f"{persona}: a valid persona",
        f"{settings}: valid settings",
    ]


@pytest.mark.parametrize(
    ("name", "text", "code", "why"),
    [
        ("parley.yaml", "defaults:\n  - bot: echo\n  - _self_\nsede: 5\n", USAGE, "sede"),
        ("parley.yaml", "seed: [\n", USAGE, "not YAML"),
        ("other.yaml", "seed: 5\nreplay: {calls: 2}\n", USAGE, "name it parley.yaml"),
        ("gone.yaml", None, FAILED, "no such file"),
    ],
)
def test_bad_files_cost_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str | None,
    code: int,
    why: str,
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert main(["doctor", str(tmp_path / name)]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("parley: ")
    assert why in lines[0]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("hardened", "told", "remedy"),
    [(True, "hardened build, 256 calls", False), (False, "loopback only", True)],
)
def test_the_build_of_the_sip_engine_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hardened: bool,
    told: str,
    remedy: bool,
) -> None:
    build = SipBuild(
        version="2.17", hardened=hardened, packaged=not hardened, max_calls=256 if hardened else 4
    )
    monkeypatch.setattr("gateway.legs.sipbuild.look", lambda: build)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["doctor"]) == DONE
    line = next(line for line in capsys.readouterr().out.splitlines() if "SIP engine" in line)
    assert told in line
    assert ("make pjsua2" in line) == remedy


@pytest.mark.weights
def test_a_sip_engine_that_does_not_load_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> SipBuild:
        raise SipBuildBroken(why="libsrtp2.so.1: cannot open")

    monkeypatch.setattr("gateway.legs.sipbuild.look", broken)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["doctor"]) == DONE  # it is not needed for what does without a telephone
    line = next(line for line in capsys.readouterr().out.splitlines() if "SIP engine" in line)
    assert "libsrtp2.so.1: cannot open" in line
    assert "make pjsua2" in line


def test_a_port_that_is_taken_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def taken(**where: object) -> None:
        raise PortTaken(key="sip.port", where="127.0.0.1:5060", why="address already in use")

    monkeypatch.setattr("gateway.doctor.check_free", taken)
    main(["doctor"])
    told = " ".join(capsys.readouterr().out.split())
    assert "SIP port 127.0.0.1:5060" in told
    assert "already in use" in told


def test_the_passwords_of_registrations_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "parley.yaml"
    settings.write_text(
        "defaults: [{bot: echo}, _self_]\nsip:\n  registrations:\n"
        "    - {registrar: 'sip:pbx.example', user: '42', password_env: PBX_PASSWORD}\n"
    )
    monkeypatch.delenv("PBX_PASSWORD", raising=False)
    assert main(["doctor", str(settings)]) == FAILED
    assert "sip.registrations.0.password_env: the environment has no" in capsys.readouterr().out
    monkeypatch.setenv("PBX_PASSWORD", "open sesame")
    assert main(["doctor", str(settings)]) == DONE
    told = capsys.readouterr().out
    assert "42 at sip:pbx.example: the password is there" in told
    assert "sesame" not in told

"""The pages on SIP: their settings are valid, their commands exist, their filter finds refusals."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gateway.admission import Refuse, refusal_line
from gateway.cli import parley
from gateway.config import ParleyConfig, load

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    name: (ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in ("sip", "pbx", "network")
}
ENGINE = "defaults:\n  - bot: embedded\n  - _self_\n"
LOGGED = "host parley[4711]: WARNING gateway.serve: "  # as fail2ban reads the journal


def _blocks(language: str) -> list[str]:
    return [
        block
        for page in PAGES.values()
        for block in re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ]


@pytest.mark.parametrize("block", _blocks("yaml"))
def test_the_settings_are_valid(block: str, tmp_path: Path) -> None:
    whole = block if block.startswith("defaults:") else ENGINE + block
    (tmp_path / "parley.yaml").write_text(whole, encoding="utf-8")
    config = load([], config_dir=tmp_path)
    assert config.sip.host != "127.0.0.1"
    assert config.admission.allow


@pytest.mark.parametrize(
    "line", [line for block in _blocks("sh") for line in block.splitlines() if "parley " in line]
)
def test_the_commands_are_those_of_parley(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert words[0] == ".venv/bin/parley"
    assert words[1] in parley.commands
    load([word for word in words[2:] if "=" in word])


def test_every_key_named_is_one() -> None:
    named = {
        key
        for page in PAGES.values()
        for key in re.findall(r"`((?:sip|admission|drain|limits|http|recording)\.[a-z_.]+)", page)
    }
    assert len(named) > 10
    for key in named:
        place: object = ParleyConfig.model_validate(load([]).model_dump())
        for name in key.split("."):
            place = getattr(place, name)


def _expression() -> re.Pattern[str]:
    (found,) = re.findall(r"^failregex = (.*)$", PAGES["network"], re.MULTILINE)
    return re.compile(str(found).replace("<HOST>", r"(?P<host>[0-9a-fA-F:.]+)"))


@pytest.mark.parametrize("source", ["192.0.2.7", "2001:db8::7"])
@pytest.mark.parametrize("refuse", [Refuse(403, "stranger"), Refuse(404, "no-route")])
def test_the_filter_finds_those_who_knock(refuse: Refuse, source: str) -> None:
    found = _expression().search(
        LOGGED + refusal_line(refuse, source=source, caller="a", callee="b")
    )
    assert found is not None
    assert found["host"] == source


def test_the_filter_bans_nobody_whom_a_caller_names() -> None:
    feigned = LOGGED + refusal_line(
        Refuse(403, "stranger"), source="198.51.100.1", caller="", callee=""
    )
    for name in (feigned, f"\n{feigned}", f"'\n{feigned}"):
        line = refusal_line(Refuse(503, "full", 10), source="192.0.2.7", caller=name, callee=name)
        assert all(_expression().search(part) is None for part in (LOGGED + line).split("\n"))


def test_the_line_shown_is_the_one_written() -> None:
    (shown,) = re.findall(r"^WARNING gateway\.serve: (refused .*)$", PAGES["network"], re.MULTILINE)
    refuse = Refuse(404, "no-route")
    assert shown == refusal_line(refuse, source="192.0.2.7", caller="200", callee="9011442")


def test_the_firewall_lets_in_the_ports_of_the_settings() -> None:
    sip = load([]).sip
    assert f"udp dport {sip.rtp_port_min}-{sip.rtp_port_max} ip saddr" in PAGES["network"]
    assert f"th dport {sip.port} ip saddr" in PAGES["network"]

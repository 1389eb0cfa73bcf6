"""``parley call``: what it prints, how it exits. A worker without SIP stands in for the line."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from gateway.callcommand import one_call, run
from gateway.cli import DONE, FAILED, INTERRUPTED, USAGE, main
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipsettings import Account, WorkerSettings
from tests.gateway.calls import check, summary

FAKE = Path(__file__).parent / "legs" / "fakeworker.py"


def board(settings: WorkerSettings) -> SipSwitchboard:
    return SipSwitchboard(settings, command=(sys.executable, str(FAKE), "well"))


class Printed(io.StringIO):
    """What is printed; ``on`` a text, a signal is sent to ourselves."""

    def __init__(self, *, on: str = "") -> None:
        super().__init__()
        self._on = on

    def write(self, text: str) -> int:
        if self._on and self._on in text:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        return super().write(text)


def call(uri: str, root: Path, *words: str, on: str = "") -> tuple[int, str]:
    printed = Printed(on=on)
    code = run(
        uri,
        ["bot=echo", "sip.outbound.enabled=true", f"recording.dir={root}", *words],
        config_dir=None,
        console=Console(file=printed, width=200),
        settings=lambda config: WorkerSettings(),
        board=board,
    )
    return code, printed.getvalue()


def folder(root: Path) -> Path:
    (found,) = root.glob("*/*/*/*")
    check(found)
    return found


@pytest.mark.live
def test_a_call_that_ends_well(tmp_path: Path) -> None:
    code, printed = call("sip:brief@pbx.example", tmp_path)
    assert code == DONE
    assert printed.splitlines() == [
        "calling sip:brief@pbx.example",
        "ringing",
        "answered",
        "ended: caller-left",
        f"kept in {folder(tmp_path)}",
    ]
    told = summary(folder(tmp_path))
    assert told["facts"] == {
        "callee": "brief",
        "caller": "parley",
        "codec": "PCMU/8000",
        "direction": "outbound",
    }


@pytest.mark.live
def test_a_refusal_is_one_line_that_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = call("sip:busy@pbx.example", tmp_path)
    assert code == FAILED
    assert "answered" not in printed
    assert capsys.readouterr().err == (
        "parley: sip:busy@pbx.example: sip: the far end is busy (486 Busy Here)\n"
    )
    assert summary(folder(tmp_path))["outcome"] == {"fault": "carrier", "reason": "rejected"}


@pytest.mark.live
def test_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = call("sip:nobody@pbx.example", tmp_path, "sip.outbound.ring_s=1")
    assert code == FAILED
    assert "nobody answered within 1 s" in capsys.readouterr().err
    assert summary(folder(tmp_path))["outcome"] == {"fault": "carrier", "reason": "no-answer"}


@pytest.mark.live
@pytest.mark.parametrize(("uri", "on"), [("nobody", "ringing"), ("long", "answered")])
def test_ctrl_c_hangs_up(tmp_path: Path, uri: str, on: str) -> None:
    code, printed = call(f"sip:{uri}@pbx.example", tmp_path, on=on)
    assert code == INTERRUPTED
    assert printed.endswith("hung up\n")
    assert summary(folder(tmp_path))["outcome"] == {"fault": "gateway", "reason": "stopped"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sip:1@pbx.example"], r"sip\.outbound\.enabled: false: nothing is dialled"),
        (["1234", "sip.outbound.enabled=true"], r"1234: no SIP URI; write sip:1234@pbx\.example"),
        (
            ["sip:1@pbx.example", "sip.outbound.enabled=true", "sip.outbound.allow=['+49*']"],
            r"sip\.outbound\.allow: sip:1@pbx\.example fits none",
        ),
    ],
)
def test_what_may_not_be_called_is_a_matter_of_settings(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", *words]) == USAGE
    assert re.search(told, capsys.readouterr().err)


def test_it_keeps_out_of_the_way_of_a_gateway() -> None:
    account = Account(registrar="sip:pbx.example", user="42", password="secret")
    serving = WorkerSettings(port=5060, accounts=(account,), dial=0)
    ours = one_call(serving)
    assert ours.port == 0
    assert not ours.accounts[0].registers
    assert ours.rtp_port_min > serving.rtp_port_min

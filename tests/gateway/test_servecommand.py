"""``parley serve`` as a process: what it says, how signals stop it, which code it leaves with."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cli import DONE, FAILED, INTERRUPTED, USAGE, main
from gateway.legs import sipbuild
from tests.gateway.calls import check, summary
from tests.gateway.command import Capture, one_line

MOST_S = 30.0
PROGRAM = """
import functools, sys
from gateway import cli, servecommand
from gateway.legs.memory import Pause
from gateway.legs.memoryswitchboard import Caller, MemorySwitchboard

def boards(config, clock):
    return [MemorySwitchboard([Caller(0.0, (Pause(60_000),))], clock=clock)]

servecommand.run = functools.partial(servecommand.run, boards=boards)
sys.exit(cli.main(["serve", *sys.argv[1:]]))
"""


@contextmanager
def server(root: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A gateway whose one caller stays on the line for a minute."""
    command = [sys.executable, "-c", PROGRAM, "bot=scripted", "http.port=0", "sip.enabled=false"]
    command += [f"recording.dir={root}", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        late = threading.Timer(MOST_S, process.kill)  # so that no read waits for ever
        late.start()
        try:
            yield process
        finally:
            late.cancel()
            process.kill()


def health(process: subprocess.Popen[str]) -> str:
    """Where it answers, once it does; its caller is on the line then."""
    assert process.stdout is not None
    assert process.stderr is not None
    url = next(line for line in process.stdout if line.startswith("health: ")).split()[1]
    assert "from 127.0.0.1" in process.stderr.readline()
    return url


def ready(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=MOST_S) as answer:
            return answer.status, json.load(answer)["status"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["status"]


def outcome(root: Path) -> dict[str, str]:
    (folder,) = root.glob("*/*/*/*")
    check(folder)
    ended: dict[str, str] = summary(folder)["outcome"]
    return ended


@pytest.mark.live
def test_sigterm_stops_in_order(tmp_path: Path) -> None:
    with server(tmp_path, "drain.seconds=0") as process:
        assert ready(health(process)) == (200, "ready")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=MOST_S)
    assert process.returncode == DONE, err
    assert "gateway/stopped" in err
    assert "Traceback" not in err
    assert outcome(tmp_path) == {"fault": "gateway", "reason": "stopped"}


@pytest.mark.live
def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    with server(tmp_path, "drain.seconds=3600") as process:
        url = health(process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "stopping: 1 up" in process.stderr.readline()
        assert ready(url) == (503, "draining")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=MOST_S)
    assert process.returncode == INTERRUPTED, err
    assert outcome(tmp_path) == {"fault": "gateway", "reason": "stopped"}


@pytest.mark.live
def test_what_a_crash_left_is_finished_at_the_next_start(tmp_path: Path) -> None:
    with server(tmp_path) as process:
        ready(health(process))  # an answer later, the folder is there
        process.kill()
        process.wait()
    (folder,) = tmp_path.glob("*/*/*/*")
    assert not (folder / "call.json").exists()
    with server(tmp_path, "recording.enabled=false", "drain.seconds=0") as process:
        health(process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=MOST_S)
    assert summary(folder)["outcome"] == {"fault": "gateway", "reason": "killed"}
    assert list(tmp_path.glob("*/*/*/*")) == [folder]  # the second caller was not recorded


@pytest.mark.live
def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with server(tmp_path, f"http.port={port}") as process:
            _, err = process.communicate(timeout=MOST_S)
    assert process.returncode == FAILED
    assert err.startswith(f"parley: http.port: cannot listen on 127.0.0.1:{port}: ")
    assert err.count("\n") == 1


def test_without_the_sip_engine_one_line_says_what_is_missing(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sipbuild, "look", lambda: None)
    assert main(["serve", "bot=echo", f"recording.dir={tmp_path}"]) == FAILED
    assert one_line(capsys).startswith("sip.enabled: the SIP engine pjsua2 is not installed; make ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["sip.enabled=false", "webrtc.enabled=false"],
            "sip.enabled: false, and calls come in by no other way",
        ),
        (["sip.prot=5070"], "sip.prot: no such key; did you mean sip.port?"),
        (["calls/"], "calls/: "),
        (["routes=[{bot: echo}]", "bot=scripted"], "routes.0.bot: not echo: a process runs one"),
        (["admission.allow=[all]"], "admission.allow.0: "),
    ],
)
def test_what_is_wrong_with_the_settings_is_one_line(
    capsys: Capture, words: list[str], said: str
) -> None:
    assert main(["serve", *words]) == USAGE
    assert one_line(capsys).startswith(said)

"""``parley serve`` on a machine that cannot do what the settings say: one line, before a call."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.cli import FAILED, USAGE, main
from tests.gateway.command import Capture, one_line

QUIET = ("bot=echo", "sip.enabled=false", "http.port=0")


def serve(*words: str) -> int:
    return main(["serve", *QUIET, *words])


def test_a_folder_that_is_a_file_keeps_no_calls(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "calls"
    file.touch()
    assert serve(f"recording.dir={file}") == FAILED
    assert one_line(capsys).startswith(f"recording.dir: cannot write in {file}: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_elses_keeps_no_calls(capsys: Capture, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert serve(f"recording.dir={tmp_path / 'calls'}") == FAILED
    assert one_line(capsys).endswith(": permission denied; give another recording.dir")


def test_an_address_that_is_not_ours_reaches_no_browser(capsys: Capture, tmp_path: Path) -> None:
    assert serve(f"recording.dir={tmp_path}", "webrtc.host=192.0.2.1") == FAILED
    assert one_line(capsys).startswith("webrtc.host: cannot listen on 192.0.2.1:0: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recording.dir="], "recording.dir: "),
        (["http.tokens_file=/nowhere"], "http.tokens_file /nowhere: "),
        (["http.host=0.0.0.0"], "http.host: 0.0.0.0 can be reached by others"),
        (["http.tls.cert=/nowhere"], "http.tls: a certificate needs its key"),
        (["http.tls.cert=/nowhere", "http.tls.key=/nowhere"], "http.tls: cannot read /nowhere"),
        (["http.port=99999"], "http.port: "),
        (["http.prot=1"], "http.prot: no such key; did you mean http.port?"),
        (["http.cors=[example.com]"], "http.cors.0: "),
        (["sip.codecs=[opus]"], "sip.codecs.0: "),
        (["webrtc.host=example.com"], "webrtc.host: 'example.com' does not appear to be"),
        (["webrtc.ice_servers=[{url: 'foo:bar'}]"], "webrtc.ice_servers.0.url: write stun:host"),
    ],
)
def test_what_is_written_wrongly_is_told_by_its_key(
    capsys: Capture, tmp_path: Path, words: list[str], said: str
) -> None:
    assert serve(f"recording.dir={tmp_path}", *words) == USAGE
    assert one_line(capsys).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no token"),
        ("{", "not YAML"),
        ("hello", "input should be a valid array"),
        ("- {name: a, sha256: secret, scopes: [read]}", "0.sha256: "),
        ("- {name: a, sha256: %s, scopes: [everything]}" % ("a" * 64), "0.scopes.0: "),
        ("- {name: a, sha256: %s, scopes: [], more: 1}" % ("a" * 64), "0."),
        ("\x00", "not YAML"),
        ("- {2026-01-01: a}", "no list of tokens"),
        ("&a [*a]", "no list of tokens"),
    ],
)
def test_a_bad_line_of_a_tokens_file_is_told_and_never_repeated(
    capsys: Capture, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text(text)
    assert serve(f"recording.dir={tmp_path}", f"http.tokens_file={file}") == USAGE
    told = one_line(capsys)
    assert told.startswith(f"http.tokens_file {file}: {said}")
    assert "secret" not in told


def test_a_tokens_file_that_everybody_can_write_is_refused(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text("- {name: a, sha256: %s, scopes: [read]}" % ("a" * 64))
    file.chmod(0o666)
    assert serve(f"recording.dir={tmp_path}", f"http.tokens_file={file}") == USAGE
    assert one_line(capsys).endswith(f"chmod o-w {file}")

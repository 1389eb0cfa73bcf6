"""The tokens file, and when there must be one."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.http.tokens import Scope, load, tokens_for
from gateway.serveconfig import HttpConfig

HASH = hashlib.sha256(b"correct horse").hexdigest()


def written(folder: Path, text: str) -> Path:
    path = folder / "tokens.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_token_is_known_by_its_hash(tmp_path: Path) -> None:
    known = load(written(tmp_path, f"- {{name: page, sha256: {HASH!r}, scopes: [read, call]}}\n"))
    assert known.scopes("correct horse") == frozenset({Scope.READ, Scope.CALL})
    assert known.scopes("wrong horse") is None
    assert known.scopes(HASH) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no token"),
        ("[]", "no token"),
        ("- {", "not YAML"),
        ("- {name: a, sha256: hunter2, scopes: [read]}", "0.sha256: string should match pattern"),
        (f"- {{name: a, sha256: {HASH!r}, scopes: []}}", "0.scopes: "),
        (f"- {{name: a, sha256: {HASH!r}, scopes: [root]}}", "0.scopes.0: "),
        (f"- {{name: a, sha256: {HASH!r}, scopes: [read], ro: 1}}", "0.ro: "),
    ],
)
def test_what_is_wrong_with_the_file_is_said_without_what_stands_there(
    tmp_path: Path, text: str, said: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=re.escape(f"http.tokens_file {path}: {said}")) as caught:
        load(path)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory; see docs"):
        load(tmp_path / "none")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "gateway.example"])
def test_beyond_loopback_there_must_be_tokens(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^http\.host: {host} can be reached by others"):
        tokens_for(HttpConfig(host=host))
    path = written(tmp_path, f"- {{name: page, sha256: {HASH!r}, scopes: [read]}}\n")
    assert tokens_for(HttpConfig(host=host, tokens_file=str(path))) is not None


def test_on_loopback_there_may_be() -> None:
    assert tokens_for(HttpConfig()) is None
    assert tokens_for(HttpConfig(host="::1")) is None

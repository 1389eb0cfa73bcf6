"""``parley doctor --reindex``."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gateway.callquery import CallQuery
from gateway.cli import DONE, FAILED, USAGE, main
from gateway.store import open_index
from gateway.store.database import path_of
from tests.gateway.store.folders import make, names, place

pytestmark = pytest.mark.live
IDS = names(2, a_day=5)


def reindexed(root: Path, *more: str) -> int:
    return main(["doctor", "--reindex", *more, f"recording.dir={root}"])


def listed(root: Path) -> list[str]:
    async def ask() -> Sequence[str]:
        index = await open_index(path_of(root))
        try:
            return [call["leg"] for call in await index.newest(CallQuery(99))]
        finally:
            await index.close()

    return list(asyncio.run(ask()))


def test_the_index_says_what_the_folders_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, IDS)
    assert reindexed(tmp_path) == DONE
    assert capsys.readouterr().out == f"{path_of(tmp_path)}: 10 calls of 2 days\n"
    # What was changed by hand is not seen otherwise.
    for call_id in IDS:
        call = {"call_id": call_id, "leg": "mine"}
        (place(tmp_path, call_id) / "call.json").write_text(json.dumps(call))
    (place(tmp_path, IDS[0]) / "call.json").write_text("{")
    assert reindexed(tmp_path) == DONE
    assert capsys.readouterr().out.endswith(
        ": 9 calls of 2 days, 1 that are gone taken out,"
        " 1 with a call.json that cannot be read left out\n"
    )
    assert listed(tmp_path) == ["mine"] * 9


def test_what_is_damaged_is_put_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, IDS)
    path_of(tmp_path).write_bytes(b"no database at all " * 100)
    path_of(tmp_path, beside=True).write_bytes(b"")
    assert reindexed(tmp_path) == DONE
    assert len(listed(tmp_path)) == 10
    left = sorted(file.name for file in tmp_path.iterdir() if file.is_file())
    assert left == ["index.sqlite", "index.sqlite.damaged"]


def test_what_is_anothers_is_left_to_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, IDS)
    with closing(sqlite3.connect(path_of(tmp_path))) as connection:
        connection.execute("CREATE TABLE mine (x)")
    assert reindexed(tmp_path) == FAILED
    told = capsys.readouterr().err
    assert told == f"parley: {path_of(tmp_path)}: a database, but not Parley's\n"


def test_settings_say_where_the_calls_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "kept", IDS)
    settings = tmp_path / "parley.yaml"
    where = tmp_path / "kept"
    settings.write_text(f"defaults: [{{bot: echo}}, _self_]\nrecording: {{dir: {where}}}\n")
    assert main(["doctor", "--reindex", str(settings)]) == DONE
    assert "10 calls of 2 days" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--reindex", "recording.dir=GONE"], FAILED, "GONE: no such folder"),
        (["--reindex", "recording.dri=x"], USAGE, "recording.dri"),
        (["--reindex", "GONE.yaml"], USAGE, "GONE.yaml: no settings"),
        (["recording.dir=x"], USAGE, "settings are for --reindex alone"),
        (["a.yaml", "b.yaml"], USAGE, "b.yaml: one file at a time"),
    ],
)
def test_what_cannot_be_done_costs_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", *words]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert why in lines[0]

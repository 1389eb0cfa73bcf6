"""Files that are no index of ours, and what is done with them: nothing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store import IndexUnusable, open_index
from gateway.store.database import path_of
from gateway.store.schema import APPLICATION, VERSION

pytestmark = pytest.mark.live


def execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


async def test_a_new_file_says_whose_it_is(tmp_path: Path) -> None:
    await (await open_index(path_of(tmp_path))).close()
    with closing(sqlite3.connect(path_of(tmp_path))) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert os.listdir(tmp_path) == ["index.sqlite"]


async def test_an_older_version_is_made_anew(tmp_path: Path) -> None:
    path = path_of(tmp_path)
    execute(path, "CREATE TABLE calls (x)", f"PRAGMA application_id={APPLICATION}")
    index = await open_index(path)
    assert await index.count() == 0
    await index.close()


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["CREATE TABLE calls (x)"], "a database, but not Parley's"),
        (["PRAGMA application_id=5"], "a database, but not Parley's"),
        (
            [f"PRAGMA application_id={APPLICATION}", f"PRAGMA user_version={VERSION + 1}"],
            f"made by a newer Parley (version {VERSION + 1})",
        ),
    ],
)
async def test_what_is_not_ours_stays_as_it_is(
    tmp_path: Path, statements: list[str], why: str
) -> None:
    path = path_of(tmp_path)
    execute(path, *statements)
    before = path.read_bytes()
    with pytest.raises(IndexUnusable) as caught:
        await open_index(path)
    assert (caught.value.why, caught.value.damaged) == (why, False)
    assert str(caught.value) == f"{path}: {why}"
    assert path.read_bytes() == before


async def test_what_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = path_of(tmp_path)
    path.write_bytes(b"no database at all " * 100)
    with pytest.raises(IndexUnusable, match="not a database") as caught:
        await open_index(path)
    assert caught.value.damaged


async def test_a_file_that_another_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.database.BUSY_S", 0.05)
    path = path_of(tmp_path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(IndexUnusable, match="database is locked") as caught:
        await open_index(path)
    assert not caught.value.damaged
    other.close()
    await (await open_index(path)).close()


async def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").mkdir()
    with pytest.raises(IndexUnusable, match="unable to open"):
        await open_index(path_of(tmp_path))


async def test_two_that_open_it_at_once_both_have_it(tmp_path: Path) -> None:
    one, other = await asyncio.gather(*(open_index(path_of(tmp_path)) for _ in range(2)))
    assert (await one.count(), await other.count()) == (0, 0)
    await one.close()
    await other.close()

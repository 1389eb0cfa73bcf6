"""The store of ``parley serve``: right with an index, without one, and from one to the other."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.callquery import CallQuery
from gateway.store import IndexedCalls
from gateway.store.database import path_of
from gateway.store.schema import APPLICATION, VERSION
from tests.gateway.store.folders import document, make, names, place, touch

pytestmark = pytest.mark.live
IDS = names(2, a_day=5)
SOON_S = 0.01  # between looks, where a test is about them


@asynccontextmanager
async def store(root: Path, *, look_s: float = 60.0) -> AsyncIterator[IndexedCalls]:
    here = IndexedCalls(root, look_s=look_s)
    await here.start()
    try:
        yield here
    finally:
        await here.close()
        await here.close()


async def until(true: Callable[[], bool]) -> None:
    """Let others run until it is."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)


async def listed(here: IndexedCalls, *, most: int = 99, leg: str | None = None) -> list[str]:
    return [call["call_id"] for call in await here.newest(CallQuery(most, leg=leg))]


async def test_calls_are_listed_before_and_after_there_is_an_index(tmp_path: Path) -> None:
    make(tmp_path, IDS)
    async with store(tmp_path) as here:
        assert not here.indexed
        assert await listed(here) == IDS[::-1]
        await until(lambda: here.indexed)
        assert await listed(here) == IDS[::-1]
        assert await here.call(IDS[0]) == document(IDS[0], 0)
        assert await here.folder(IDS[0]) == place(tmp_path, IDS[0])
    assert not here.indexed
    assert await listed(here) == IDS[::-1]  # whoever asks late is answered, too


async def test_a_call_that_is_over_is_listed_at_once(tmp_path: Path) -> None:
    make(tmp_path, IDS[:1])
    async with store(tmp_path) as here:
        await until(lambda: here.indexed)
        for call_id in IDS[1:4]:
            make(tmp_path, [call_id])
            here.completed(call_id)
            assert (await listed(here))[0] == call_id
        here.completed(IDS[9])  # its folder was deleted meanwhile
        await until(lambda: here.indexed)
        assert await listed(here) == IDS[3::-1]


async def test_a_call_whose_folder_is_deleted_is_gone_at_once(tmp_path: Path) -> None:
    make(tmp_path, IDS)
    async with store(tmp_path) as here:
        await until(lambda: here.indexed)
        for call_id in (IDS[9], IDS[6], IDS[0]):
            shutil.rmtree(place(tmp_path, call_id))
        assert await listed(here, most=3) == [IDS[8], IDS[7], IDS[5]]
        assert await listed(here) == [*IDS[8:6:-1], *IDS[5:0:-1]]
        assert await here.call(IDS[9]) is None
        assert here.indexed


async def test_what_others_add_and_take_away_is_seen_in_time(tmp_path: Path) -> None:
    make(tmp_path, IDS[:5])
    async with store(tmp_path, look_s=SOON_S) as here:
        await until(lambda: here.indexed)
        make(tmp_path, IDS[5:])
        touch(place(tmp_path, IDS[5]).parent, ns=5)
        async with asyncio.timeout(20):
            while await listed(here) != IDS[::-1]:  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_there_is_no_index_where_there_are_no_calls(tmp_path: Path) -> None:
    root = tmp_path / "calls"
    async with store(root, look_s=SOON_S) as here:
        assert await listed(here) == []
        here.completed(IDS[0])
        assert not root.exists()
        make(root, IDS)
        await until(lambda: here.indexed)
        assert await listed(here) == IDS[::-1]


@pytest.mark.parametrize("kind", ["damaged", "foreign", "newer"])
async def test_a_file_that_cannot_be_used_is_left_alone(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, IDS)
    path = path_of(tmp_path)
    if kind == "damaged":
        path.write_bytes(b"no database at all " * 100)
    else:
        number = APPLICATION if kind == "newer" else 5
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA application_id={number}")
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
        connection.close()
    before = path.read_bytes()
    with caplog.at_level(logging.WARNING):
        async with store(tmp_path) as here:
            await until(lambda: here.indexed)
            assert await listed(here) == IDS[::-1]
    assert path.read_bytes() == before
    assert path_of(tmp_path, beside=True).exists()
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("index-v1.sqlite is used instead (parley doctor --reindex)")


async def test_without_a_place_for_it_folders_are_listed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, IDS)
    for beside in (False, True):  # also root finds no file to write in
        path_of(tmp_path, beside=beside).mkdir()
    with caplog.at_level(logging.WARNING):
        async with store(tmp_path, look_s=SOON_S) as here:
            await until(lambda: bool(caplog.messages))
            for _ in range(50):
                assert await listed(here) == IDS[::-1]
            assert not here.indexed
    assert len(caplog.messages) == 1  # not one for each try
    assert "calls are listed from folders" in caplog.messages[0]


async def test_an_index_that_breaks_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, IDS)
    async with store(tmp_path) as here:
        await until(lambda: here.indexed)
        with path_of(tmp_path).open("r+b") as file:
            file.write(bytes(1 << 16))
        assert await listed(here) == IDS[::-1]
        assert not here.indexed
        make(tmp_path, names(1, a_day=6))
        here.completed(names(1, a_day=6)[-1])
        assert len(await listed(here)) == 11
    ours = [one for one in caplog.records if one.name == "gateway.store.indexed"]
    assert len(ours) == 1


async def test_it_can_be_closed_at_any_moment_and_leaves_no_thread(tmp_path: Path) -> None:
    make(tmp_path, IDS)
    before = set(threading.enumerate())
    for moments in range(60):
        path_of(tmp_path).unlink(missing_ok=True)
        async with store(tmp_path):
            for _ in range(moments):
                await asyncio.to_thread(int)  # about as long as a step of the store
    pools = [thread for thread in threading.enumerate() if thread.name.startswith("asyncio")]
    left = set(threading.enumerate()) - before - set(pools)
    for thread in left:  # SQLite's have been told to end
        await asyncio.to_thread(thread.join, 5)
    assert not any(thread.is_alive() for thread in left)

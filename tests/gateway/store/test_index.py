"""The index says what the folders say, whatever was asked and whatever became of them."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.callfolders import CallFolders
from gateway.callquery import CallQuery
from gateway.store import catch_up, open_index
from gateway.store.catchup import CaughtUp
from gateway.store.database import path_of
from gateway.store.schema import row_of
from tests.gateway.store.folders import KINDS, document, make, names, place, touch

pytestmark = pytest.mark.live
IDS = names(4, a_day=9)
LEGS, FAULTS, REASONS = (sorted({kind[place] for kind in KINDS}) for place in range(3))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("calls")
    make(root, IDS)
    asyncio.run(update(root))
    return root


async def update(root: Path, *, thorough: bool = False) -> CaughtUp:
    index = await open_index(path_of(root))
    try:
        return await catch_up(index, CallFolders(root), thorough=thorough)
    finally:
        await index.close()


async def newest(root: Path, query: CallQuery) -> list[str]:
    index = await open_index(path_of(root))
    try:
        return [call["call_id"] for call in await index.newest(query)]
    finally:
        await index.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.builds(
        CallQuery,
        most=st.integers(1, 40),
        before=st.none() | st.sampled_from(IDS),
        since=st.none() | st.sampled_from([call_id[:16] for call_id in IDS]),
        until=st.none() | st.sampled_from([call_id[:16] for call_id in IDS]),
        leg=st.none() | st.sampled_from(LEGS),
        fault=st.none() | st.sampled_from(FAULTS),
        reason=st.none() | st.sampled_from(REASONS),
    )
)
def test_it_lists_what_the_folders_list(full: Path, query: CallQuery) -> None:
    async def both() -> tuple[list[str], list[str]]:
        walked = await CallFolders(full).newest(query)
        return await newest(full, query), [call["call_id"] for call in walked]

    indexed, walked = asyncio.run(both())
    assert indexed == walked


async def test_a_call_is_given_back_as_its_file_has_it(tmp_path: Path) -> None:
    make(tmp_path, IDS[:1])
    strange = {"call_id": IDS[1], "leg": 5, "outcome": [], "duration": "long", "x": "\u2028"}
    (place(tmp_path, IDS[1])).mkdir()
    (place(tmp_path, IDS[1]) / "call.json").write_text(json.dumps(strange))
    assert await update(tmp_path) == CaughtUp(days=1, added=2)
    index = await open_index(path_of(tmp_path))
    assert await index.newest(CallQuery(9)) == [strange, document(IDS[0], 0)]
    assert await index.count() == 2
    await index.close()
    with closing(sqlite3.connect(path_of(tmp_path))) as connection:
        first = connection.execute("SELECT * FROM calls ORDER BY call_id").fetchone()
    assert first[:8] == (
        IDS[0], "2026-01-01T12:00:00+00:00", "sip", "receptionist", "echo", "none",
        "caller-left", 0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"leg": "\ud800", "persona": "\x00'; DROP TABLE calls"},
        {"duration": 10**400, "outcome": {"fault": ["none"], "reason": None}},
        {"duration": float("inf"), "facts": {"caller": "\udfff" * 1000}},
    ],
)
async def test_whatever_a_file_says_can_be_kept(tmp_path: Path, fields: dict[str, Any]) -> None:
    make(tmp_path, IDS[:1])
    call = document(IDS[0], 0) | fields
    (place(tmp_path, IDS[0]) / "call.json").write_text(json.dumps(call))
    assert await update(tmp_path) == CaughtUp(days=1, added=1)
    index = await open_index(path_of(tmp_path))
    assert await index.newest(CallQuery(9)) == [call]
    await index.close()


async def test_only_days_that_changed_are_looked_into(tmp_path: Path) -> None:
    make(tmp_path, IDS)
    assert await update(tmp_path) == CaughtUp(days=4, added=36)
    assert await update(tmp_path) == CaughtUp()
    late = names(1, a_day=10)[-1:]
    make(tmp_path, late)
    touch(place(tmp_path, late[0]).parent, ns=5)
    assert await update(tmp_path) == CaughtUp(days=1, added=1)
    assert await update(tmp_path, thorough=True) == CaughtUp(days=4, added=37)


async def test_a_day_with_a_call_that_is_up_is_looked_into_again(tmp_path: Path) -> None:
    make(tmp_path, IDS[:2])
    make(tmp_path, IDS[2:3], finished=False)
    day = place(tmp_path, IDS[0]).parent
    touch(day, ns=5)
    assert await update(tmp_path) == CaughtUp(days=1, added=2)
    make(tmp_path, IDS[2:3])
    touch(day, ns=5)  # nothing came into the day's folder, only into the call's
    assert await update(tmp_path) == CaughtUp(days=1, added=1)
    assert await update(tmp_path) == CaughtUp()


async def test_what_was_deleted_is_gone_and_leaves_no_trace(tmp_path: Path) -> None:
    make(tmp_path, IDS)
    await update(tmp_path)
    shutil.rmtree(place(tmp_path, IDS[3]))
    touch(place(tmp_path, IDS[3]).parent, ns=5)
    shutil.rmtree(place(tmp_path, IDS[35]).parent)
    assert await update(tmp_path) == CaughtUp(days=1, gone=10)
    assert await newest(tmp_path, CallQuery(99)) == [*IDS[26:3:-1], *IDS[2::-1]]
    data = path_of(tmp_path).read_bytes()
    assert IDS[3].encode() not in data
    assert IDS[2].encode() in data


async def test_what_cannot_be_read_is_no_call(tmp_path: Path) -> None:
    make(tmp_path, IDS[:4])
    (place(tmp_path, IDS[0]) / "call.json").write_text("{")
    (place(tmp_path, IDS[1]) / "call.json").write_text(json.dumps({"call_id": "../etc"}))
    assert await update(tmp_path) == CaughtUp(days=1, added=2, unreadable=2)
    assert await update(tmp_path) == CaughtUp()  # and is not tried again until something changes
    (place(tmp_path, IDS[2]) / "call.json").write_text("[]")
    done = await update(tmp_path, thorough=True)
    assert done == CaughtUp(days=1, added=1, gone=1, unreadable=3)
    assert await newest(tmp_path, CallQuery(9)) == [IDS[3]]


async def test_adding_twice_is_adding_the_last(tmp_path: Path) -> None:
    index = await open_index(path_of(tmp_path))
    await index.add([])
    await index.add([row_of(document(IDS[0], 0))])
    await index.add([row_of(document(IDS[0], 4)), row_of(document(IDS[1], 1))])
    assert await index.newest(CallQuery(9)) == [document(IDS[1], 1), document(IDS[0], 4)]
    assert await index.newest(CallQuery(9, leg="sip")) == []
    await index.forget([IDS[0], IDS[5]])
    assert await index.count() == 1
    await index.close()
    await index.close()

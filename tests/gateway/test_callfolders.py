"""Pages of calls from their folders alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.callfolders import CallFolders, is_call_id
from gateway.callquery import CallQuery
from tests.gateway.http.callsmade import leave

IDS = [
    "20251231T235959Z-0000ff",
    "20260101T000000Z-00000a",
    "20260101T000000Z-00000b",
    "20260131T120000Z-000001",
    "20260201T000000Z-000001",
]


def ids(calls: list[dict[str, object]]) -> list[object]:
    return [call["call_id"] for call in calls]


async def test_pages_hold_every_call_once_newest_first(tmp_path: Path) -> None:
    for call_id in IDS:
        leave(tmp_path, call_id)
    store = CallFolders(tmp_path)
    assert ids(await store.newest(CallQuery(9))) == IDS[::-1]
    for size in range(1, len(IDS) + 1):
        before, seen = None, list[object]()
        while page := await store.newest(CallQuery(size, before=before)):
            seen += ids(page)
            before = str(seen[-1])
        assert seen == IDS[::-1]


@settings(max_examples=25, deadline=None)
@given(before=st.from_regex(r"20(25|26)(0[1-9]|12)(01|31)T[0-9]{6}Z-[0-9a-f]{2}", fullmatch=True))
def test_before_is_an_instant_not_a_call_that_must_exist(
    tmp_path_factory: pytest.TempPathFactory, before: str
) -> None:
    root = tmp_path_factory.mktemp("calls")
    for call_id in IDS:
        leave(root, call_id)
    found = ids(asyncio.run(CallFolders(root).newest(CallQuery(9, before=before))))
    assert found == [call_id for call_id in IDS[::-1] if call_id < before]


async def test_what_is_not_a_finished_call_is_passed_over(tmp_path: Path) -> None:
    store = CallFolders(tmp_path)
    assert await store.newest(CallQuery(9)) == []
    leave(tmp_path, IDS[0], finished=False)
    (leave(tmp_path, IDS[1]) / "call.json").write_text("{")
    (leave(tmp_path, IDS[2]) / "call.json").write_text(json.dumps({"call_id": "../etc"}))
    leave(tmp_path, IDS[3])
    (tmp_path / "2026" / "notes.txt").write_text("mine")
    (tmp_path / "2026" / "01" / "31" / "20260131T120001Z-000002").write_text("no folder")
    assert ids(await store.newest(CallQuery(9))) == [IDS[3]]
    assert [await store.call(call_id) for call_id in IDS[:3]] == [None] * 3
    assert await store.folder(IDS[0]) is None
    assert await store.folder(IDS[0], finished=False) == tmp_path / "2025/12/31" / IDS[0]
    assert await store.folder(IDS[4], finished=False) is None


@pytest.mark.parametrize(
    "name",
    ["", "..", "20260101T000000Z-..", "20260101T000000Z-a/../../x", "20260101T000000Z-a\n", "２０"],
)
async def test_no_id_leads_out_of_the_root(tmp_path: Path, name: str) -> None:
    assert not is_call_id(name)
    assert await CallFolders(tmp_path).folder(name, finished=False) is None
    assert await CallFolders(tmp_path).call(name) is None

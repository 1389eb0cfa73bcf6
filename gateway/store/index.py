"""The queries of the call index.

SQLAlchemy builds statements and reads rows on the loop; only SQLite itself runs elsewhere. So what
may be many comes in pieces.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.callquery import CallQuery
from gateway.store.schema import CALLS, DAYS

PIECE = 200
"""Ids read or deleted at once; calls are added by less, see ``catchup``."""

END = "~"
"""Greater than whatever follows the day in an id."""


class CallIndex:
    """An open index; ``path`` is its file. All methods raise ``SQLAlchemyError``."""

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine, self.path = engine, path

    async def newest(self, query: CallQuery) -> list[dict[str, Any]]:
        """As ``call.json`` has them."""
        async with self._engine.connect() as connection:
            documents = (await connection.execute(_select(query))).scalars().all()
        return [json.loads(document) for document in documents]

    async def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put calls in, as ``row_of`` has them, or in their place if they are there."""
        if not rows:
            return
        put = insert(CALLS)
        put = put.on_conflict_do_update(
            index_elements=[CALLS.c.call_id],
            set_={column.name: column for column in put.excluded if column.name != "call_id"},
        )
        days = [{"day": day, "stamp": 0} for day in sorted({row["call_id"][:8] for row in rows})]
        async with self._engine.begin() as connection:
            await connection.execute(insert(DAYS).on_conflict_do_nothing(), days)
            await connection.execute(put, list(rows))

    async def forget(self, call_ids: Iterable[str]) -> None:
        """Take calls out; it does not matter whether they are in."""
        ids = list(call_ids)
        for start in range(0, len(ids), PIECE):
            piece = delete(CALLS).where(CALLS.c.call_id.in_(ids[start : start + PIECE]))
            async with self._engine.begin() as connection:
                await connection.execute(piece)

    async def ids(self, day: str) -> AsyncIterator[str]:
        """Of the calls of a day."""
        last = day
        while True:
            page = (
                select(CALLS.c.call_id)
                .where(CALLS.c.call_id > last, CALLS.c.call_id < day + END)
                .order_by(CALLS.c.call_id)
                .limit(PIECE)
            )
            async with self._engine.connect() as connection:
                found = (await connection.execute(page)).scalars().all()
            for call_id in found:
                yield call_id
            if len(found) < PIECE:
                return
            last = found[-1]

    async def days(self) -> dict[str, int]:
        """Days that have or had calls, with the stamps that were set."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(DAYS.c.day, DAYS.c.stamp))
            return {row.day: row.stamp for row in rows}

    async def set_stamp(self, day: str, stamp: int) -> None:
        """Note that the index says of that day what its folder said when it had that stamp."""
        put = insert(DAYS).values(day=day, stamp=stamp)
        put = put.on_conflict_do_update(index_elements=[DAYS.c.day], set_={"stamp": stamp})
        async with self._engine.begin() as connection:
            await connection.execute(put)

    async def forget_day(self, day: str) -> int:
        """Take out a day whose folder is gone, with its calls; how many those were."""
        gone = [call_id async for call_id in self.ids(day)]
        await self.forget(gone)
        async with self._engine.begin() as connection:
            await connection.execute(delete(DAYS).where(DAYS.c.day == day))
        return len(gone)

    async def count(self) -> int:
        """How many calls are in it."""
        async with self._engine.connect() as connection:
            found = await connection.execute(select(func.count()).select_from(CALLS))
            return found.scalar_one()

    async def close(self) -> None:
        """May be called twice."""
        await self._engine.dispose()


def _select(query: CallQuery) -> Select[str]:
    found = select(CALLS.c.document).order_by(CALLS.c.call_id.desc()).limit(query.most)
    if query.below is not None:
        found = found.where(CALLS.c.call_id < query.below)
    if query.since is not None:
        found = found.where(CALLS.c.call_id >= query.since)
    for column, value in (
        (CALLS.c.leg, query.leg),
        (CALLS.c.fault, query.fault),
        (CALLS.c.reason, query.reason),
    ):
        if value is not None:
            found = found.where(column == value)
    return found

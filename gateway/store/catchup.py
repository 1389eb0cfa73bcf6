"""Makes the index say what the folders say.

The folder of a day has another stamp (the time it was changed last) when a call came or went. A
day whose calls are all over and have their rows is not looked into again until it has: a start
costs one look at each day, not at each call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from gateway.callfolders import CallFolders, Day
from gateway.store.index import CallIndex
from gateway.store.schema import row_of

PIECE = 25  # calls added at once

Tell: TypeAlias = Callable[[int], None]
"""So many calls more were looked at."""


@dataclass(slots=True)
class CaughtUp:
    """What was done. ``unreadable`` calls are over, but their ``call.json`` is of no use."""

    days: int = 0
    added: int = 0
    gone: int = 0
    unreadable: int = 0


class _Found(NamedTuple):
    rows: list[dict[str, Any]]
    unreadable: int
    unfinished: int


async def catch_up(
    index: CallIndex, folders: CallFolders, *, thorough: bool = False, tell: Tell | None = None
) -> CaughtUp:
    """Take in what is new, take out what is gone; ``thorough`` reads every call again.

    Raises ``SQLAlchemyError``. May be interrupted anywhere: the next time goes on.
    """
    done = CaughtUp()
    stamps = await index.days()
    there = await asyncio.to_thread(lambda: list(folders.days()))
    for day in there:
        if thorough or day.stamp == 0 or stamps.get(day.name) != day.stamp:
            await _look_at(day, index, folders, done, thorough=thorough, tell=tell)
    for name in sorted(stamps.keys() - {day.name for day in there}):
        done.gone += await index.forget_day(name)
    return done


async def _look_at(
    day: Day,
    index: CallIndex,
    folders: CallFolders,
    done: CaughtUp,
    *,
    thorough: bool,
    tell: Tell | None,
) -> None:
    # The stamp was taken before the names: what comes in between is seen the next time.
    there = await asyncio.to_thread(folders.ids, day.name)
    known = {call_id async for call_id in index.ids(day.name)}
    gone = known.difference(there)
    wanted = [call_id for call_id in there if thorough or call_id not in known]
    unfinished = 0
    for start in range(0, len(wanted), PIECE):
        piece = wanted[start : start + PIECE]
        found = await asyncio.to_thread(_read, folders, piece)
        await index.add(found.rows)
        gone |= known.intersection(piece) - {row["call_id"] for row in found.rows}
        done.added += len(found.rows)
        done.unreadable += found.unreadable
        unfinished += found.unfinished
        if tell is not None:
            tell(len(piece))
    await index.forget(sorted(gone))
    await index.set_stamp(day.name, 0 if unfinished else day.stamp)
    done.days += 1
    done.gone += len(gone)


def _read(folders: CallFolders, call_ids: Sequence[str]) -> _Found:
    """Off the loop, up to the rows."""
    rows, unreadable, unfinished = [], 0, 0
    for call_id in call_ids:
        call = folders.read(call_id)
        if call is not None:
            rows.append(row_of(call))
        elif folders.is_over(call_id):
            unreadable += 1
        else:
            unfinished += 1
    return _Found(rows, unreadable, unfinished)

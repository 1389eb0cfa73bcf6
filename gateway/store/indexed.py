"""The calls that are over, listed from the index while it is known to be right."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.callfolders import CallFolders
from gateway.callquery import CallQuery
from gateway.store.catchup import catch_up
from gateway.store.database import IndexUnusable, open_index, path_of
from gateway.store.index import CallIndex
from gateway.store.schema import row_of

logger = logging.getLogger(__name__)
LOOK_S = 60.0  # how often we look for calls that others made or deleted
CLOSE_S = 5.0  # a disk that does not answer within this is left behind


class IndexedCalls:
    """A ``CallStore`` that needs no index, and is fast with one.

    ``start`` opens the index and keeps it up to date, in the background and as its one writer.
    Until it is, and whenever something is wrong with it, calls are listed from their folders.
    """

    def __init__(self, root: Path, *, look_s: float = LOOK_S) -> None:
        self._folders, self._look_s = CallFolders(root), look_s
        self._index: CallIndex | None = None  # while it says what the folders say
        self._open = False
        self._over: set[str] = set()  # calls that are over and have no row yet
        self._came = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._warned = False

    async def start(self) -> None:
        """Returns at once, whatever there is to do."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """What is not written by now is found at the next start. May be called twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=CLOSE_S)

    @property
    def indexed(self) -> bool:
        """Whether calls are listed from the index now."""
        return self._index is not None and not self._over

    def completed(self, call_id: str) -> None:
        """A call that was recorded is over. Returns at once, and never raises."""
        if self._open:  # else it is found when it is
            self._over.add(call_id)
            self._came.set()

    async def newest(self, query: CallQuery) -> list[dict[str, Any]]:
        """A call whose folder was deleted is not in it, from that moment on."""
        if self._index is not None and not self._over:
            try:
                return await self._listed(self._index, query)
            except (SQLAlchemyError, ValueError) as error:  # ValueError: a damaged document
                self._index = None
                self._warn(error)
        return await self._folders.newest(query)

    async def call(self, call_id: str) -> dict[str, Any] | None:
        """From its folder: that is one file."""
        return await self._folders.call(call_id)

    async def folder(self, call_id: str, *, finished: bool = True) -> Path | None:
        """As ``CallFolders`` has it."""
        return await self._folders.folder(call_id, finished=finished)

    async def _listed(self, index: CallIndex, query: CallQuery) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = await index.newest(replace(query, most=query.most - len(found)))
            there = await asyncio.to_thread(self._there, page)
            found += there
            if len(there) == len(page) or len(found) == query.most:
                return found
            query = replace(query, before=page[-1]["call_id"])

    def _there(self, calls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [call for call in calls if self._folders.is_over(str(call["call_id"]))]

    async def _run(self) -> None:
        while True:
            try:
                # Without a folder there are no calls, and we make none for their sake.
                if await asyncio.to_thread(self._folders.root.is_dir):
                    await self._keep()
            except (SQLAlchemyError, IndexUnusable, OSError) as error:
                self._warn(error)
            except Exception:  # our bug, and still no matter of calls
                logger.exception("call index: unexpected")
            await asyncio.sleep(self._look_s)

    async def _keep(self) -> None:
        """Keep an index up to date until something is wrong with it."""
        index = await self._opened()
        try:
            self._open = True
            while True:
                again = asyncio.get_running_loop().time() + self._look_s
                await catch_up(index, self._folders)
                self._index = index
                with suppress(TimeoutError):
                    while True:
                        async with asyncio.timeout_at(again):
                            await self._came.wait()
                        await self._write(index)
        finally:
            self._open, self._index = False, None
            self._over.clear()
            await _closed(index)

    async def _write(self, index: CallIndex) -> None:
        self._came.clear()
        for call_id in tuple(self._over):
            if (call := await self._folders.call(call_id)) is not None:
                await index.add([row_of(call)])
            self._over.discard(call_id)

    async def _opened(self) -> CallIndex:
        try:
            return await open_index(path_of(self._folders.root))
        except IndexUnusable as error:
            # It may be another program's, or of use to another version: it is left as it is.
            try:
                index = await open_index(path_of(self._folders.root, beside=True))
            except IndexUnusable:
                raise error from None
            self._warn(error, instead=f"{index.path.name} is used instead")
            return index

    def _warn(self, error: Exception, *, instead: str = "calls are listed from folders") -> None:
        """Once: it is no matter of calls, and would be told again each minute."""
        if not self._warned:
            why = str(error.orig) if isinstance(error, DBAPIError) else str(error)
            logger.warning("call index: %s; %s (parley doctor --reindex)", why, instead)
        self._warned = True


async def _closed(index: CallIndex) -> None:
    """Close it to the end, even if cancelled: else SQLAlchemy tells a traceback."""
    closing = asyncio.create_task(index.close())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await asyncio.wait([closing])
        raise

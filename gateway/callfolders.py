"""The calls that are over, as their folders under ``recording.dir`` tell.

``<yyyy>/<mm>/<dd>/<call_id>/``, and a call's id begins with the time of its birth: the layout is
the index of the newest. A page of calls costs the reading of its own ``call.json`` files and the
names of the days they are of, however many calls there are; a page of those of one kind may cost
the reading of all (``gateway.store`` does not).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from gateway.callquery import CallQuery

_ID = re.compile(r"(\d{4})(\d\d)(\d\d)T\d{6}Z-[0-9a-z]+", re.ASCII)
COMPLETE = "call.json"


class CallStore(Protocol):
    """Calls that were recorded."""

    async def newest(self, query: CallQuery) -> list[dict[str, Any]]:
        """What ``call.json`` says of each that fits, newest first."""

    async def call(self, call_id: str) -> dict[str, Any] | None:
        """What ``call.json`` says; ``None`` if there is no such call, or it is not over."""

    async def folder(self, call_id: str, *, finished: bool = True) -> Path | None:
        """Where a call is kept that is over, or with ``finished`` false may still be up."""


class Day(NamedTuple):
    """A folder of calls: ``name`` is ``yyyymmdd``; ``stamp`` is another after calls were added
    or taken away."""

    name: str
    stamp: int


def is_call_id(text: str) -> bool:
    """Whether a call of ``parley serve`` can have that id."""
    return _ID.fullmatch(text) is not None


class CallFolders:
    """A ``CallStore`` that keeps nothing in memory: what is deleted is gone at once.

    The methods that are not coroutines read from disk: call them off the loop.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    async def newest(self, query: CallQuery) -> list[dict[str, Any]]:
        """Folders without a ``call.json`` that can be read are passed over."""
        return await asyncio.to_thread(self._newest, query)

    async def call(self, call_id: str) -> dict[str, Any] | None:
        """Of an id that no call can have it is ``None``, too."""
        return await asyncio.to_thread(self.read, call_id)

    async def folder(self, call_id: str, *, finished: bool = True) -> Path | None:
        """Of a call that is over ``call.json``, which is written last, is there."""
        folder = self._place(call_id)
        if folder is None:
            return None
        look = (folder / COMPLETE).is_file if finished else folder.is_dir
        return folder if await asyncio.to_thread(look) else None

    def days(self, *, below: str = "") -> Iterator[Day]:
        """Days that have calls, the last first; of those only the ones with ids ``below``."""
        for year in _names(self.root, r"\d{4}"):
            for month in _names(self.root / year, r"\d\d"):
                if below and f"{year}{month}" > below[:6]:
                    continue
                for date in _names(self.root / year / month, r"\d\d"):
                    name = f"{year}{month}{date}"
                    if not below or name <= below[:8]:
                        yield Day(name, _stamp(self._day(name)))

    def ids(self, day: str) -> list[str]:
        """Of the calls of a day, the last first, also those that are not over."""
        names = _names(self._day(day), _ID.pattern)
        return [name for name in names if name.startswith(day)]  # others are no calls of ours

    def read(self, call_id: str) -> dict[str, Any] | None:
        """What ``call.json`` says, if it says something of this call."""
        folder = self._place(call_id)
        return None if folder is None else _read(folder)

    def is_over(self, call_id: str) -> bool:
        """Whether the call is complete, readable or not."""
        folder = self._place(call_id)
        return folder is not None and (folder / COMPLETE).is_file()

    def _newest(self, query: CallQuery) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for call_id in self._below(query.below or ""):
            if len(found) == query.most or not query.has(call_id):
                break
            call = self.read(call_id)
            if call is not None and query.fits(call):
                found.append(call)
        return found

    def _below(self, below: str) -> Iterator[str]:
        """Newest first. Names are compared as text, which sorts them by time."""
        for day in self.days(below=below):
            yield from (one for one in self.ids(day.name) if not below or one < below)

    def _place(self, call_id: str) -> Path | None:
        # The pattern has no dot and no slash: no id leads out of the root.
        parts = _ID.fullmatch(call_id)
        return None if parts is None else self.root.joinpath(*parts.groups(), call_id)

    def _day(self, day: str) -> Path:
        return self.root / day[:4] / day[4:6] / day[6:8]


def _names(folder: Path, pattern: str) -> list[str]:
    """Names in a folder that are of that form, the last first."""
    try:
        names = os.listdir(folder)
    except OSError:  # not there, or no folder
        return []
    form = re.compile(pattern, re.ASCII)
    return sorted((name for name in names if form.fullmatch(name)), reverse=True)


def _stamp(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        call = json.loads((folder / COMPLETE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    # Everything below asks for calls by the name of their folder.
    return call if isinstance(call, dict) and call.get("call_id") == folder.name else None

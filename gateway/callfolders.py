"""The calls that are over, as their folders under ``recording.dir`` tell.

``<yyyy>/<mm>/<dd>/<call_id>/``, and a call's id begins with the time of its birth: the layout is
the index. A page of calls costs the reading of its own ``call.json`` files and the names of the
days they are of, however many calls there are.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

_ID = re.compile(r"(\d{4})(\d\d)(\d\d)T\d{6}Z-[0-9a-z]+", re.ASCII)


class CallStore(Protocol):
    """Calls that were recorded. Its methods read from disk: call them off the loop."""

    def newest(self, *, most: int, before: str | None = None) -> list[dict[str, Any]]:
        """What ``call.json`` says of each, newest first; ``before``: only those older."""

    def call(self, call_id: str) -> dict[str, Any] | None:
        """What ``call.json`` says; ``None`` if there is no such call, or it is not over."""

    def folder(self, call_id: str, *, finished: bool = True) -> Path | None:
        """Where a call is kept that is over, or with ``finished`` false may still be up."""


def is_call_id(text: str) -> bool:
    """Whether a call of ``parley serve`` can have that id."""
    return _ID.fullmatch(text) is not None


class CallFolders:
    """A ``CallStore`` that keeps nothing in memory: what is deleted is gone at once."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def newest(self, *, most: int, before: str | None = None) -> list[dict[str, Any]]:
        """Folders without a ``call.json`` that can be read are passed over."""
        found: list[dict[str, Any]] = []
        for folder in self._folders(before):
            if len(found) == most:
                break
            if (call := _read(folder)) is not None:
                found.append(call)
        return found

    def call(self, call_id: str) -> dict[str, Any] | None:
        """Of an id that no call can have it is ``None``, too."""
        folder = self._place(call_id)
        return None if folder is None else _read(folder)

    def folder(self, call_id: str, *, finished: bool = True) -> Path | None:
        """Of a call that is over ``call.json``, which is written last, is there."""
        folder = self._place(call_id)
        if folder is None:
            return None
        there = (folder / "call.json").is_file() if finished else folder.is_dir()
        return folder if there else None

    def _place(self, call_id: str) -> Path | None:
        # The pattern has no dot and no slash: no id leads out of the root.
        parts = _ID.fullmatch(call_id)
        return None if parts is None else self._root.joinpath(*parts.groups(), call_id)

    def _folders(self, before: str | None) -> Iterator[Path]:
        """Newest first. Names are compared as text, which sorts them by time."""
        parts = None if before is None else _ID.fullmatch(before)
        day = "" if parts is None else "/".join(parts.groups())
        for year in _names(self._root, r"\d{4}"):
            for month in _names(self._root / year, r"\d\d"):
                if day and f"{year}/{month}" > day[:7]:
                    continue
                for date in _names(self._root / year / month, r"\d\d"):
                    if day and f"{year}/{month}/{date}" > day:
                        continue
                    where = self._root / year / month / date
                    for name in _names(where, _ID.pattern):
                        if before is None or name < before:
                            yield where / name


def _names(folder: Path, pattern: str) -> list[str]:
    """Names in a folder that are of that form, the last first."""
    try:
        names = os.listdir(folder)
    except OSError:  # not there, or no folder
        return []
    form = re.compile(pattern, re.ASCII)
    return sorted((name for name in names if form.fullmatch(name)), reverse=True)


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        call = json.loads((folder / "call.json").read_bytes())
    except (OSError, ValueError):
        return None
    # Everything below asks for calls by the name of their folder.
    return call if isinstance(call, dict) and call.get("call_id") == folder.name else None

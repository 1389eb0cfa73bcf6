"""``parley doctor --reindex``: the index anew from the folders. A gateway may run meanwhile."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import DBAPIError

from gateway.callfolders import CallFolders
from gateway.complaint import DONE
from gateway.errors import InputError
from gateway.store.catchup import CaughtUp, Tell, catch_up
from gateway.store.database import IndexUnusable, open_index, path_of, unusable
from gateway.store.index import CallIndex


def reindex(root: Path, console: Console) -> int:
    """Read every call again. Raises ``InputError``, ``IndexUnusable``."""
    if not root.is_dir():
        remedy = "name the folder of the calls: recording.dir=…"
        raise InputError(where=str(root), what="no such folder", remedy=remedy)
    folders = CallFolders(root)
    total = sum(len(folders.ids(day.name)) for day in folders.days())
    bar = Progress(
        TextColumn("reindexing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("calls", total=total)
        done = asyncio.run(_rebuild(folders, lambda more: bar.advance(task, more)))
    told = f"{path_of(root)}: {done.added} calls of {done.days} days"
    if done.gone:
        told += f", {done.gone} that are gone taken out"
    if done.unreadable:
        told += f", {done.unreadable} with a call.json that cannot be read left out"
    console.print(told, highlight=False, markup=False, soft_wrap=True)
    return DONE


async def _rebuild(folders: CallFolders, tell: Tell) -> CaughtUp:
    index = await _opened(path_of(folders.root))
    try:
        done = await catch_up(index, folders, thorough=True, tell=tell)
    except DBAPIError as error:
        raise unusable(index.path, error) from error
    finally:
        await index.close()
    # A gateway that has it open goes on with it, and takes the other at its next start.
    path_of(folders.root, beside=True).unlink(missing_ok=True)
    return done


async def _opened(path: Path) -> CallIndex:
    """What is damaged is put aside, for it may be a file of somebody else's."""
    try:
        return await open_index(path)
    except IndexUnusable as error:
        if not error.damaged:
            raise
    os.replace(path, path.with_name(f"{path.name}.damaged"))
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    return await open_index(path)

"""Opens the file of the call index, and says why one cannot be used."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.errors import GatewayError
from gateway.store.index import CallIndex
from gateway.store.schema import APPLICATION, METADATA, VERSION

NAME = "index.sqlite"
BUSY_S = 2.0  # how long another process may write before we give up
CONNECTIONS = 2  # one writes, one reads


class IndexUnusable(GatewayError):
    """A file that cannot be the call index. ``damaged``: it is nobody's, as far as one can see."""

    def __init__(self, *, where: Path, why: str, damaged: bool = False) -> None:
        self.where, self.why, self.damaged = where, why, damaged
        super().__init__(f"{where}: {why}")


def path_of(root: Path, *, beside: bool = False) -> Path:
    """Where the index of the calls in ``root`` is; ``beside``: if that place is taken."""
    return root / (f"index-v{VERSION}.sqlite" if beside else NAME)


async def open_index(path: Path) -> CallIndex:
    """Open the file, which is made if it is not there. Raises ``IndexUnusable``."""
    await asyncio.to_thread(_adopt, path)
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"timeout": BUSY_S},
        pool_size=CONNECTIONS,
        max_overflow=0,
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    return CallIndex(engine, path)


def unusable(path: Path, error: DBAPIError) -> IndexUnusable:
    """What SQLite says of the file, for people."""
    name = getattr(error.orig, "sqlite_errorname", "")
    damaged = name in ("SQLITE_NOTADB", "SQLITE_CORRUPT")
    return IndexUnusable(where=path, why=str(error.orig), damaged=damaged)


def _prepare(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    # Of a call whose folder was deleted nothing may stay in unused pages of the file.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _adopt(path: Path) -> None:
    """Make the tables in an empty file or one of an older version; refuse what is not ours."""
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": BUSY_S}, poolclass=NullPool)
    event.listen(engine, "connect", _prepare)
    try:
        with engine.begin() as connection:
            # At once for writing: of a file that can only be read we want to know here.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if not _is_current(connection, path):
                METADATA.drop_all(connection)
                METADATA.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION}")
                connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")
    except DBAPIError as error:
        raise unusable(path, error) from error


def _is_current(connection: Connection, path: Path) -> bool:
    """Whether it has our tables; ``IndexUnusable`` if it must not get them."""
    application = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    if application == APPLICATION:
        if version > VERSION:
            raise IndexUnusable(where=path, why=f"made by a newer Parley (version {version})")
        return version == VERSION
    if application or _number(connection, "SELECT count(*) FROM sqlite_master"):
        raise IndexUnusable(where=path, why="a database, but not Parley's")
    return False


def _number(connection: Connection, statement: str) -> int:
    return int(connection.exec_driver_sql(statement).scalar_one())

"""Opens the store, and brings its schema up to date."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

from tokensvc.errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection as SqliteConnection

    from sqlalchemy import Connection, Engine

_BUSY = 5000  # milliseconds to wait for another worker's transaction


def open_engine(url: str) -> Engine:
    """An engine for *url*; it belongs to one process, and must not be shared over a fork.

    One connection serves a process, so that its threads queue here, in order, and only processes
    meet at SQLite's lock.
    """
    path = Path(make_url(url).database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=_BUSY / 1000, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its start.

    Raises:
        TemporarilyUnavailable: when the store cannot be read or written.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise TemporarilyUnavailable(
            cause=f"store: {type(error).__name__}", retry_after=5
        ) from error


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date; workers that start together do it once."""
    lock = Path(engine.url.database or "").with_suffix(".upgrade-lock")
    with lock.open("w") as held, as_file(files("tokensvc.store") / "migrations") as scripts:
        fcntl.flock(held, fcntl.LOCK_EX)
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _prepare(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing; `_begin` does
    connection.execute(f"PRAGMA busy_timeout = {_BUSY}")
    connection.execute("PRAGMA journal_mode = WAL")
    # Loses nothing when a process is killed; a power cut may lose the last moments.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and then writes would fail instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")

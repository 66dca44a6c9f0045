"""Opens the store, SQLite or PostgreSQL, and brings its schema up to date."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager, nullcontext
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from tokensvc.errors import ConfigurationError, TemporarilyUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from sqlite3 import Connection as SqliteConnection

    from sqlalchemy import URL, Connection, Engine

_BUSY = 5000  # milliseconds to wait for another worker's transaction
_UPGRADING = 7_240_561  # names our advisory lock in PostgreSQL


def open_engine(url: str) -> Engine:
    """An engine for *url*; it belongs to one process, and must not be shared over a fork.

    Raises:
        ConfigurationError: for a database of another kind, or without its driver.
    """
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return _open_postgresql(parsed.set(drivername="postgresql+psycopg"))
    raise ConfigurationError("environment", ["DATABASE_URL: SQLite or PostgreSQL, no other"])


def open_prepared(url: str) -> Engine:
    """An engine for *url* whose schema is up to date.

    Raises:
        ConfigurationError: as `open_engine` and `prepare`.
    """
    engine = open_engine(url)
    prepare(engine)
    return engine


@contextmanager
def transaction(engine: Engine, keys: Iterable[str] = ()) -> Iterator[Connection]:
    """A transaction that nothing else touching one of *keys* can run beside.

    SQLite has one writer at a time anyway; PostgreSQL locks the keys, in one order for everybody.

    Raises:
        TemporarilyUnavailable: when the store cannot be read or written.
    """
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                for key in sorted(set(keys)):
                    connection.execute(
                        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
                        {"key": key},
                    )
            yield connection
    except SQLAlchemyError as error:
        cause = f"store: {type(error).__name__}"
        raise TemporarilyUnavailable(cause=cause, retry_after=5) from error


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date; who starts at the same time waits and finds it done."""
    with _alone(engine), engine.begin() as connection, _alembic(connection) as config:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _UPGRADING})
        command.upgrade(config, "head")


def prepare(engine: Engine) -> None:
    """At a start: an embedded store is upgraded, a server's has to be up to date already.

    Raises:
        ConfigurationError: where a server's is not.
        TemporarilyUnavailable: where it cannot be reached.
    """
    if engine.dialect.name == "sqlite":
        upgrade(engine)
        return
    with transaction(engine) as connection, _alembic(connection) as config:
        wanted = ScriptDirectory.from_config(config).get_current_head()
        if MigrationContext.configure(connection).get_current_revision() != wanted:
            raise ConfigurationError(
                "DATABASE_URL", ["the schema is not up to date: run “tokensvc db upgrade” first"]
            )


def _open_sqlite(url: URL) -> Engine:
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    # One connection serves a process, so that its threads queue here, in order, and only
    # processes meet at SQLite's lock.
    engine = create_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=_BUSY / 1000, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            pool_size=8,
            max_overflow=0,
            pool_timeout=_BUSY / 1000,
            pool_pre_ping=True,  # a server that was restarted is found again
            hide_parameters=True,
            connect_args={
                "connect_timeout": 5,
                "options": f"-c statement_timeout={_BUSY} -c lock_timeout={_BUSY}",
            },
        )
    except ModuleNotFoundError:
        raise ConfigurationError(
            "DATABASE_URL", ["PostgreSQL needs its driver: pip install 'tokensvc[postgres]'"]
        ) from None


def _alone(engine: Engine) -> AbstractContextManager[object]:
    """Holds other processes off an SQLite file while its schema changes."""
    if engine.dialect.name != "sqlite":
        return nullcontext()
    held = Path(engine.url.database or "").with_suffix(".upgrade-lock").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


@contextmanager
def _alembic(connection: Connection) -> Iterator[Config]:
    with as_file(files("tokensvc.store") / "migrations") as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing; `_begin_sqlite` does
    connection.execute(f"PRAGMA busy_timeout = {_BUSY}")
    connection.execute("PRAGMA journal_mode = WAL")
    # Loses nothing when a process is killed; a power cut may lose the last moments.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and then writes would fail instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")

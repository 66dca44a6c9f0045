"""Opens the store, SQLite or PostgreSQL, and brings its schema up to date."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, cast

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from tokensvc.errors import ConfigurationError
from tokensvc.store.sqlite import BUSY, StoreFile, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import URL, Connection, Engine

    from tokensvc.store.sqlite import StoreConnection

_LONGEST = int(BUSY * 1000)  # milliseconds, as PostgreSQL counts
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


def open_existing(url: str) -> Engine:
    """An engine for *url*, whose store has to be there already, and up to date.

    Raises:
        ConfigurationError: as `open_engine` and `check`.
        TemporarilyUnavailable: as `check`.
    """
    engine = open_engine(url)
    check(engine)
    return engine


def open_or_create(url: str) -> Engine:
    """An engine for *url*, whose store is created, and the log says so, if there never was one.

    For what comes before a first start. Anything else would report success on an empty store,
    where the folder is mistaken or the file is lost.

    Raises:
        ConfigurationError, TemporarilyUnavailable: as `open_existing`; also where a store was there
            once, and is gone.
    """
    engine = open_engine(url)
    if engine.dialect.name == "sqlite" and not _file(engine).known:
        upgrade(engine)
    check(engine)
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
        raise unavailable(_fault(error)) from error


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date, creating an SQLite file where there is none.

    A process that starts at the same time waits, and finds it done.

    Raises:
        TemporarilyUnavailable: where the store cannot be reached or written.
    """
    try:
        if engine.dialect.name == "sqlite":
            file = _file(engine)
            # Not by the engine: it takes no file that is not up to date.
            creating = create_engine(
                "sqlite://", creator=file.create, poolclass=NullPool, hide_parameters=True
            )
            event.listen(creating, "begin", partial(_begin_sqlite, None))
            with file.alone(create=True):
                _migrate(creating)
        else:
            _migrate(engine)
    except SQLAlchemyError as error:
        raise unavailable(_fault(error)) from error


def prepare(engine: Engine) -> None:
    """Upgrade an embedded store, as a start does; a server's has to be up to date already.

    Raises:
        ConfigurationError, TemporarilyUnavailable: as `check`.
    """
    if engine.dialect.name == "sqlite":
        upgrade(engine)
    check(engine)


def check(engine: Engine) -> None:
    """Check that the store is there with the schema of this release; create nothing.

    Raises:
        ConfigurationError: where a server's schema is another.
        TemporarilyUnavailable: where the store cannot be used.
    """
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            return  # the connection was opened, which has checked it
        if MigrationContext.configure(connection).get_current_revision() != _newest_revision():
            raise ConfigurationError(
                "DATABASE_URL", ["the schema is not up to date: run “tokensvc db upgrade” first"]
            )


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database.startswith((":", "file:")):
        raise ConfigurationError("environment", ["DATABASE_URL: write sqlite:///path of a file"])
    file = StoreFile(Path(url.database))
    # One connection serves a process, so that its threads queue here, in order, and only
    # processes meet at SQLite's lock.
    engine = create_engine(
        url,
        creator=partial(file.connect, _newest_revision()),
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY,
        hide_parameters=True,
    )
    event.listen(engine, "checkout", lambda opened, *_: file.discard_if_replaced(opened))
    event.listen(engine, "begin", partial(_begin_sqlite, file))
    # What is recorded in a file that is gone is not recorded.
    event.listen(engine, "commit", lambda connection: file.check_in_place(_opened(connection)))
    return engine


def _open_postgresql(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            pool_size=8,
            max_overflow=0,
            pool_timeout=BUSY,
            pool_pre_ping=True,  # a server that was restarted is found again
            hide_parameters=True,
            connect_args={
                "connect_timeout": 5,
                "options": f"-c statement_timeout={_LONGEST} -c lock_timeout={_LONGEST}",
            },
        )
    except ModuleNotFoundError:
        raise ConfigurationError(
            "DATABASE_URL", ["PostgreSQL needs its driver: pip install 'tokensvc[postgres]'"]
        ) from None


def _migrate(engine: Engine) -> None:
    with engine.begin() as connection, _alembic() as config:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _UPGRADING})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _newest_revision() -> str:
    with _alembic() as config:
        return ScriptDirectory.from_config(config).get_current_head() or ""


@contextmanager
def _alembic() -> Iterator[Config]:
    with as_file(files("tokensvc.store") / "migrations") as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        yield config


def _file(engine: Engine) -> StoreFile:
    return StoreFile(Path(engine.url.database or ""))


def _opened(connection: Connection) -> StoreConnection:
    return cast("StoreConnection", connection.connection.dbapi_connection)


def _begin_sqlite(file: StoreFile | None, connection: Connection) -> None:
    if file is not None:
        file.check_in_place(_opened(connection))
    # A transaction that reads first and then writes would fail instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _fault(error: SQLAlchemyError) -> str:
    """What went wrong, without what a server or a statement may quote."""
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return f"{type(error).__name__}: {original}"
    return type(error).__name__

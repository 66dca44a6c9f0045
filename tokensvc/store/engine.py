"""Opens the store, SQLite or PostgreSQL, and brings its schema up to date."""

from __future__ import annotations

import select
import sqlite3
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from tokensvc.errors import ConfigurationError, TemporarilyUnavailable
from tokensvc.store.schema import REVISION
from tokensvc.store.sqlite import BUSY, StoreFile, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from psycopg import Connection as PgConnection
    from sqlalchemy import URL, Connection, Engine

    from tokensvc.store.sqlite import StoreConnection

_TIMEOUT_MS = int(BUSY * 1000)  # for a statement or a lock in PostgreSQL
_UPGRADE_LOCK = 7_240_561  # arbitrary ID of an advisory lock in PostgreSQL


def open_engine(url: str) -> Engine:
    """Return an engine for *url*; it belongs to one process and must not be shared over a fork.

    Raises:
        ConfigurationError: if the database is of another kind, or its driver is missing.
    """
    # Some hosting providers write postgres://, which SQLAlchemy rejects.
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return _open_postgresql(parsed.set(drivername="postgresql+psycopg"))
    raise ConfigurationError("environment", ["DATABASE_URL must name SQLite or PostgreSQL"])


def open_existing(url: str) -> Engine:
    """Return an engine for *url*, whose store must exist and be up to date.

    Raises:
        ConfigurationError: like `open_engine` and `check`.
        TemporarilyUnavailable: like `check`.
    """
    engine = open_engine(url)
    check(engine)
    return engine


def open_or_create(url: str) -> Engine:
    """Return an engine for *url*; create an SQLite store if there has never been one.

    Only for commands that may precede the first start. Others would report success on an empty
    store if the path is wrong or the file was lost.

    Raises:
        ConfigurationError, TemporarilyUnavailable: like `open_existing`; also if the store has
            been deleted.
    """
    engine = open_engine(url)
    if engine.dialect.name == "sqlite" and not _file(engine).ever_existed:
        upgrade(engine)
    check(engine)
    return engine


@contextmanager
def transaction(engine: Engine, keys: Iterable[str] = ()) -> Iterator[Connection]:
    """Run a transaction; two that share one of *keys* never run at the same time.

    SQLite has one writer at a time anyway; in PostgreSQL each key is locked, in sorted order to
    prevent deadlocks.

    Raises:
        TemporarilyUnavailable: if the store cannot be read or written.
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
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise unavailable(fault(error)) from error


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date, creating a missing SQLite file.

    If another process does so at the same time, wait for it.

    Raises:
        TemporarilyUnavailable: if the store cannot be reached or written.
    """
    try:
        if engine.dialect.name == "sqlite":
            file = _file(engine)
            # Not with the engine itself, which rejects a file that is not up to date.
            creating = create_engine(
                "sqlite://", creator=file.create, poolclass=NullPool, hide_parameters=True
            )
            event.listen(creating, "begin", _begin_sqlite)
            with file.exclusive(create=True):
                _migrate(creating)
        else:
            _migrate(engine)
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise unavailable(fault(error)) from error


def prepare(engine: Engine) -> None:
    """Prepare the store at startup: upgrade SQLite; PostgreSQL must be up to date already.

    Raises:
        ConfigurationError, TemporarilyUnavailable: like `check`.
    """
    try:
        check(engine)
    except TemporarilyUnavailable:
        if engine.dialect.name != "sqlite":
            raise
        upgrade(engine)  # there is none, or it is older
        check(engine)


def check(engine: Engine) -> None:
    """Check that the store exists and has the schema of this release; create nothing.

    Raises:
        ConfigurationError: if PostgreSQL has another schema.
        TemporarilyUnavailable: if the store cannot be used.
    """
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            return  # checked when the connection was opened
        if _revision(connection) != REVISION:
            raise ConfigurationError(
                "DATABASE_URL", ["the schema is not up to date: run “tokensvc db upgrade” first"]
            )


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database.startswith((":", "file:")):
        raise ConfigurationError("environment", ["DATABASE_URL must name a file: sqlite:///path"])
    file = StoreFile(Path(url.database))
    # One connection per process: threads queue for it in order, and only processes compete for
    # SQLite's lock.
    engine = create_engine(
        url,
        # A connection is refused if the file's schema is not the newest.
        creator=partial(file.connect, REVISION),
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY,
        hide_parameters=True,
    )
    event.listen(engine, "checkout", lambda opened, *_: opened.discard_if_replaced())
    event.listen(engine, "begin", _begin_sqlite)
    # A commit to a file that has been deleted would be lost.
    event.listen(engine, "commit", lambda connection: _opened(connection).check_in_place())
    return engine


def _open_postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_size=8,
            max_overflow=0,
            pool_timeout=BUSY,
            hide_parameters=True,
            connect_args={
                "connect_timeout": 5,
                "options": f"-c statement_timeout={_TIMEOUT_MS} -c lock_timeout={_TIMEOUT_MS}",
            },
        )
    except ModuleNotFoundError:
        raise ConfigurationError(
            "DATABASE_URL", ["PostgreSQL needs its driver: pip install 'tokensvc[postgres]'"]
        ) from None
    event.listen(engine, "checkout", _discard_if_closed)
    return engine


def _discard_if_closed(connection: PgConnection, *_: object) -> None:
    """Raise DisconnectionError if the server has closed an idle connection, such as by a restart.

    Nothing else is ever waiting to be read. SQLAlchemy's own check takes a round trip.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError("the server has closed the connection")


def _migrate(engine: Engine) -> None:
    # Alembic takes as long to import as the rest of the service, and is rarely needed.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    scripts = as_file(files("tokensvc.store") / "migrations")
    with engine.begin() as connection, scripts as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))  # a literal %
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _UPGRADE_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    """Return the schema's revision, or None for a database that is not a store."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _file(engine: Engine) -> StoreFile:
    return StoreFile(Path(engine.url.database or ""))


def _opened(connection: Connection) -> StoreConnection:
    return cast("StoreConnection", connection.connection.dbapi_connection)


def _begin_sqlite(connection: Connection) -> None:
    _opened(connection).begin()


def fault(error: Exception) -> str:
    """Describe *error*, without a server's message or a statement, which may contain secrets."""
    original = getattr(error, "orig", error)
    if isinstance(original, sqlite3.Error):
        return f"{type(error).__name__}: {original}"
    return type(error).__name__

"""Opens the store, SQLite or PostgreSQL, and brings its schema up to date.

Whatever uses the store raises TemporarilyUnavailable if it cannot be read or written.
"""

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from tokensvc.errors import ConfigurationError, TemporarilyUnavailable
from tokensvc.store.schema import REVISION, fault_of, probes
from tokensvc.store.sqlite import BUSY, StoreFile, unavailable

# Of a worker's threads (`serving.threads`); the rest serve what needs no store, such as /livez.
MOST_WAITING = 168
_LONGEST_UPGRADE = 3600.0  # seconds for one of its statements
_LOCK_TRIES = 60
_NEXT_TRY = 0.3  # seconds, in which mints that waited are done
_LOCKED = ("40P01", "55P03")  # deadlock_detected, lock_not_available
_LONGEST_LOG = 16 << 20  # bytes; by itself, SQLite keeps it at half of that
_UPGRADE_LOCK = 7_240_561  # arbitrary ID of an advisory lock in PostgreSQL
# Bytes. A mint writes some 30 pages of 4 KB to SQLite's log. On a nearly full disk, less might still fit.
_PROBE_SIZES = {"sqlite": 128 * 1024, "postgresql": 1}
# What libpq says if it cannot connect, of all that a server may say.
_NO_CONNECTION = re.compile(
    "password authentication failed|no password supplied|could not translate host name|Connection refused|"
    "No such file or directory|does not exist|timeout expired|session is read-only|too many clients|"
    r"no pg_hba\.conf entry|certificate verify failed|server does not support SSL"
)


def open_engine(url: str) -> sa.Engine:
    """Return an engine for *url*; it belongs to one process and must not be shared over a fork.

    Raises ConfigurationError if the URL is invalid, or names another kind of database, or if the driver is missing.
    """
    places = BoundedSemaphore(MOST_WAITING)
    kind = url.partition(":")[0].partition("+")[0]
    if kind == "sqlite":
        return _open_sqlite(sa.make_url(url), places)
    if kind not in {"postgres", "postgresql"}:  # some hosting providers write postgres://
        raise ConfigurationError("environment", ["DATABASE_URL must name SQLite or PostgreSQL"])
    try:
        from tokensvc.store.postgresql import open_postgresql  # noqa: PLC0415 - needs a driver
    except ImportError:
        raise ConfigurationError(
            "DATABASE_URL", ["PostgreSQL needs its driver: pip install 'tokensvc[postgres]'"]
        ) from None
    return open_postgresql(url, places)


def open_existing(url: str) -> sa.Engine:
    """Return an engine for *url*, whose store must exist and be up to date; raise what `open_engine` and `check` do."""
    engine = open_engine(url)
    check(engine)
    return engine


def open_or_create(url: str) -> sa.Engine:
    """Return an engine for *url*, as `open_existing` does; create an SQLite store if there has never been one.

    Only for commands that may precede the first start. Others would report success on an empty store if the path is
    wrong or the file was lost.
    """
    engine = open_engine(url)
    if (file := file_of(engine)) is not None and not file.ever_existed:
        upgrade(engine)
    check(engine)
    return engine


def open_unchecked(url: str) -> sa.Engine:
    """Return an engine for *url*, whatever the schema is, and without waiting for the file's lock.

    Only for the emergency stop, after `open_existing` has failed: whoever holds the lock for so long has set aside a
    foreign log by now.
    """
    engine = open_engine(url)
    if (file := file_of(engine)) is None:
        return engine
    connect = partial(sqlite3.connect, f"file:{quote(str(file))}?mode=rw", uri=True, timeout=BUSY)
    options = engine.get_execution_options()
    return sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True, execution_options=options
    )


@contextmanager
def transaction(engine: sa.Engine, keys: Iterable[str] = ()) -> Iterator[sa.Connection]:
    """Run a transaction; two that share one of *keys* never run at the same time: SQLite has one writer anyway."""
    with guarded(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            for statement, key in locks(keys):
                connection.exec_driver_sql(statement, key)
        yield connection


def remove_until(engine: sa.Engine, table: sa.Table, times: sa.Column[int], latest: int, batch: int = 200) -> int:
    """Remove the rows of *table* with *times* up to *latest*, oldest first; return how many there were.

    Each transaction removes *batch*, which takes a few milliseconds, so that no request waits long.
    """
    # A literal in the statement, so that PostgreSQL plans for few rows.
    few = sa.literal(batch, literal_execute=True)
    oldest = sa.select(table.c.id).where(times <= latest).order_by(times).limit(few)
    removed = 0
    while True:
        with transaction(engine) as connection:
            gone = connection.execute(sa.delete(table).where(table.c.id.in_(oldest))).rowcount
        shorten_log(engine)
        removed += gone
        if gone < batch:
            return removed


def shorten_log(engine: sa.Engine, longest: int = _LONGEST_LOG, wait: float = 0.05) -> bool:
    """Copy SQLite's log back and empty it, if it has over *longest* bytes; return whether nobody was in the way.

    Waits for others for *wait* seconds. SQLite itself empties the log only if nobody else writes: while two processes
    removed a lot, it grew to gigabytes, and its index, which is in the memory of each worker, to megabytes.
    """
    if (file := file_of(engine)) is None or file.log_size <= longest:
        return True
    with guarded(engine), file.lend() as connection:
        connection.execute(f"PRAGMA busy_timeout = {1000 * wait:.0f}")
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.execute("PRAGMA busy_timeout = 0")
    return not busy


def locks(keys: Iterable[str]) -> list[tuple[str, dict[str, str]]]:
    """Return the statements that lock *keys* in PostgreSQL, in sorted order to prevent deadlocks."""
    statement = "SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))"
    return [(statement, {"key": key}) for key in sorted(set(keys))]


@contextmanager
def guarded(engine: sa.Engine) -> Iterator[None]:
    """Take a place among the threads that use the store, and turn its errors into TemporarilyUnavailable."""
    places = engine.get_execution_options()["places"]
    if not places.acquire(blocking=False):
        raise unavailable("too many requests wait for it")
    try:
        yield
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
        raise unavailable(_fault(error)) from error
    finally:
        places.release()


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema up to date, creating a missing SQLite file; leave that of a newer release as it is.

    If another process does so at the same time, wait for it.
    """
    with guarded(engine):
        if (file := file_of(engine)) is not None:
            # Not with the engine itself, which rejects a file that is not up to date.
            creating = sa.create_engine("sqlite://", creator=file.create, poolclass=sa.NullPool, hide_parameters=True)
            sa.event.listen(creating, "begin", lambda connection: _driven(connection).begin())
            with file.exclusive(create=True):
                _migrate(creating)
        else:
            _migrate_beside_mints(engine)


def prepare(engine: sa.Engine) -> None:
    """Prepare the store at startup: upgrade SQLite; raise like `check` unless PostgreSQL is up to date already."""
    try:
        check(engine)
    except TemporarilyUnavailable:
        if engine.dialect.name != "sqlite":
            raise
        upgrade(engine)  # there is none, or it is older
        check(engine)


def check(engine: sa.Engine) -> None:
    """Check that the store exists and can be used with this release; create nothing.

    Raises ConfigurationError if PostgreSQL's schema is older or too new, and TemporarilyUnavailable for all else.
    """
    file = file_of(engine)
    with transaction(engine) as connection:
        if file is None and (fault := fault_of(_revision(connection))):
            raise ConfigurationError("DATABASE_URL", [fault])
    if file is not None:  # its schema is checked when a connection is opened, and both stay open
        with guarded(engine), file.lend():
            pass


def probe(engine: sa.Engine) -> None:
    """Write as much as a mint does, and commit it, to find out whether the store can be written."""
    with transaction(engine) as connection:
        connection.execute(sa.delete(probes))
        connection.execute(sa.insert(probes).values(content=bytes(_PROBE_SIZES[engine.dialect.name])))


def _open_sqlite(url: sa.URL, places: BoundedSemaphore) -> sa.Engine:
    if not url.database or url.database.startswith((":", "file:")):
        raise ConfigurationError("environment", ["DATABASE_URL must name a file: sqlite:///path"])
    file = StoreFile(Path(url.database))
    # One connection per process, besides the one for `driver.transaction`: threads queue for it in
    # order, and only processes compete for SQLite's lock.
    engine = sa.create_engine(
        url,
        # A connection is refused if the file's schema is not the newest.
        creator=file.connect,
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY,
        hide_parameters=True,
        execution_options={"places": places, "file": file},
    )
    sa.event.listen(engine, "engine_disposed", lambda _: file.close())
    sa.event.listen(engine, "checkout", lambda opened, *_: opened.discard_if_replaced())
    sa.event.listen(engine, "begin", lambda connection: _driven(connection).begin())
    return engine


def _migrate_beside_mints(engine: sa.Engine) -> None:
    """Migrate PostgreSQL; if instances that serve hold a lock, let them finish and try again."""
    for left in range(_LOCK_TRIES - 1, -1, -1):
        try:
            _migrate(engine)
        except OperationalError as error:
            if not left or getattr(error.orig, "sqlstate", None) not in _LOCKED:
                raise
            time.sleep(_NEXT_TRY)
        else:
            return


def _migrate(engine: sa.Engine) -> None:
    # Alembic takes as long to import as the rest of the service, and is rarely needed.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            _driven(connection).longest_wait = _LONGEST_UPGRADE
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:name)"), {"name": _UPGRADE_LOCK})
            # Mints wait behind it. It gives up before PostgreSQL looks for a deadlock, which might end a mint.
            connection.execute(sa.text("SET LOCAL lock_timeout = '500ms'"))
        found = _revision(connection)
        if (fault := fault_of(found)) is None:
            return
        if found is not None and found > REVISION:
            raise unavailable(fault)
        with as_file(files("tokensvc.store") / "migrations") as folder:
            config = Config()
            config.set_main_option("script_location", str(folder).replace("%", "%%"))  # a literal %
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise unavailable(f"its schema ({found}) is unknown") from error


def _revision(connection: sa.Connection) -> str | None:
    """Return the schema's revision, or None for a database that is not a store."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def file_of(engine: sa.Engine) -> StoreFile | None:
    """Return the file of an SQLite store, or None for PostgreSQL."""
    file: StoreFile | None = engine.get_execution_options().get("file")
    return file


def _driven(connection: sa.Connection) -> Any:  # noqa: ANN401 - two drivers
    return connection.connection.driver_connection


def _fault(error: Exception) -> str:
    """Describe *error*, without a server's message or a statement, which may contain secrets."""
    original = getattr(error, "orig", None) or error
    name, message = type(original).__name__, str(original)
    if isinstance(original, sqlite3.Error):
        return f"{name}: {message}"
    if getattr(original, "sqlstate", None) is None:  # it could not connect
        said = _NO_CONNECTION.findall(message)
        if message.startswith("invalid "):  # libpq, of a parameter in the URL
            said = [message.strip()]
        return ": ".join([name, *said[:1]])
    return name

"""Opens the SQLite file, and detects if another file has replaced it.

SQLite finds its log (`-wal`, with its index `-shm`) by name. If the file is replaced, a process that has it open writes
to a deleted file, and the next one to open the new file would replay the old file's log into it. So the three files are
opened under a lock, and the lock file records which they were. Whatever fails raises TemporarilyUnavailable.
"""

import fcntl
import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import IO
from urllib.parse import quote

from sqlalchemy.exc import DisconnectionError

from tokensvc.errors import TemporarilyUnavailable
from tokensvc.store.schema import fault_of

BUSY = 5.0  # seconds to wait for another worker's transaction
_POLL = 0.02  # seconds between two tries to open the file
_NEXT_TRY = 0.0006  # seconds, at most, between two tries to begin a transaction
_LOG_PAGES = 2000  # 8 MB
_NO_PIPELINE = nullcontext()
_log = logging.getLogger(__name__)


class StoreConnection(sqlite3.Connection):
    """A connection that knows which file it has open, and whether that is still in its place."""

    path: Path
    opened: str  # the file's identity

    @property
    def replaced(self) -> bool:
        """Whether another file is there.

        If there is none, the connection stays open: the file may be moved back, and no new file gets its inode number.
        """
        return _identity(self.path) not in {None, self.opened}

    def discard_if_replaced(self) -> None:
        """Raise DisconnectionError if another file is there, so that the pool reconnects."""
        if self.replaced:
            raise DisconnectionError("the file was replaced")

    def begin(self) -> None:
        """Begin a transaction; raise OperationalError if another process does not end its own within `BUSY` seconds."""
        self._check_in_place()
        deadline = time.monotonic() + BUSY
        while True:
            try:
                # IMMEDIATE, or a transaction that reads and then writes would fail, not wait.
                self.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                # SQLite itself would soon wait for 50 or 100 ms between two tries.
                time.sleep(random.uniform(0, _NEXT_TRY))  # noqa: S311 - so that tries spread
            else:
                return

    def commit(self) -> None:
        """Commit, unless the file has been deleted: what was written would be lost with it."""
        self._check_in_place()
        super().commit()

    def pipeline(self) -> AbstractContextManager[None]:
        """Do nothing; a server would be sent several statements at once."""
        return _NO_PIPELINE

    def _check_in_place(self) -> None:
        found = _identity(self.path)
        if found != self.opened:
            raise unavailable(f"{self.path} was replaced" if found else _missing(self.path))


class StoreFile:
    """The SQLite file that is at a path at the moment, which may change."""

    def __init__(self, path: Path) -> None:
        """*path* may be relative to the current folder."""
        self._path = path.absolute()
        self._lock_path = self._path.with_name(self._path.name + ".lock")
        self._lock = threading.Lock()
        self._connection: StoreConnection | None = None  # what `lend` lends

    def __str__(self) -> str:
        return str(self._path)

    @property
    def ever_existed(self) -> bool:
        """Whether there is a file, or was one."""
        return {_identity(self._path), _identity(self._lock_path)} != {None}

    @property
    def log_size(self) -> int:
        """The bytes of SQLite's log of the file."""
        log = self._siblings()[0]
        return log.stat().st_size if log.exists() else 0

    def connect(self) -> StoreConnection:
        """Open the file, which must exist, be writable and have the schema of this release."""
        with self.exclusive():
            connection = self._open("rw")
            try:
                _check_revision(connection)
                _set_pragmas(connection)
                # Fails if the file is read-only; opening it does not.
                connection.begin()
                connection.execute("ROLLBACK")
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def lend(self) -> Iterator[StoreConnection]:
        """Lend this process's connection to one thread at a time; only processes compete for SQLite's lock.

        It is kept here, because SQLAlchemy's pool costs as much as some of the statements.
        """
        if not self._lock.acquire(timeout=BUSY):
            raise unavailable("other requests have waited too long for it")
        try:
            if self._connection is not None and self._connection.replaced:
                self._close()
            if self._connection is None:
                self._connection = self.connect()
            yield self._connection
        except sqlite3.Error:
            self._close()  # which rolls back
            raise
        finally:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.rollback()
            self._lock.release()

    def close(self) -> None:
        """Close the connection that `lend` has opened, once no thread uses it."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def back_up(self, copy: Path) -> None:
        """Write the content of the file at this moment to *copy*, while others use the file.

        Raises FileExistsError if *copy* exists, TemporarilyUnavailable if anything else is in the way.
        """
        try:
            os.close(os.open(copy, os.O_CREAT | os.O_EXCL, 0o600))
            try:
                with self.exclusive():
                    source = self._open("rw")
                with closing(source), closing(sqlite3.connect(copy)) as target:
                    source.execute("SELECT version_num FROM alembic_version")
                    source.backup(target)
            except BaseException:
                copy.unlink()
                raise
        except FileExistsError:
            raise
        except (OSError, sqlite3.Error) as error:
            raise unavailable(f"it cannot be copied to {copy}: {error}") from error

    def create(self) -> StoreConnection:
        """Open or create the file, whatever its content; the caller must be in `exclusive`."""
        if _identity(self._path) is None:
            _log.warning("created a new store file=%s", self)
        connection = self._open("rwc")
        _set_pragmas(connection)
        connection.opened = _identity(self._path) or ""  # now it exists
        return connection

    @contextmanager
    def exclusive(self, *, create: bool = False) -> Iterator[None]:
        """Keep other processes from opening the file, which must exist, and set aside a log of another file.

        With *create*, the file need not exist, and a missing folder is created.
        """
        try:
            if create:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            else:
                self._path.stat()
            with _locked(self._lock_path) as lock:
                self._set_aside_foreign_log(lock)
                yield
                self._record_files(lock)
        except FileNotFoundError as error:
            raise unavailable(_missing(self._path)) from error
        except OSError as error:
            raise unavailable(f"{error.strerror}: {error.filename or self}") from error

    def _siblings(self) -> list[Path]:
        real = os.path.realpath(self._path)  # SQLite follows links too
        return [Path(real + suffix) for suffix in ("-wal", "-shm")]

    def _open(self, mode: str) -> StoreConnection:
        """Open the file in SQLite's *mode*, and check that it is not replaced meanwhile."""
        seen = _identity(self._path)
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode={mode}",
            uri=True,
            check_same_thread=False,  # the pool lends it to one thread at a time
            isolation_level=None,  # the engine begins transactions, not the driver
            timeout=BUSY,
            factory=StoreConnection,
        )
        connection.path = self._path
        connection.opened = _identity(self._path) or ""
        if seen not in {None, connection.opened}:  # None: it was created here
            connection.close()
            raise unavailable("the file was replaced while it was opened")
        return connection

    def _set_aside_foreign_log(self, lock: IO[str]) -> None:
        """Rename the log of a replaced file, so that SQLite does not replay it into the new one.

        The lock file records which files were opened last. A log that was restored with the new file is not among them.
        """
        database, *logs = lock.read().split() or [""]
        if database in {"", _identity(self._path)}:
            return
        for sibling in self._siblings():
            if _identity(sibling) in logs:
                # Not deleted: if the old file was only moved, its last transactions are here.
                sibling.replace(f"{sibling}.replaced")
                _log.warning("set aside the log of a replaced file file=%s", sibling)

    def _record_files(self, lock: IO[str]) -> None:
        # A dash holds the place of a missing file.
        files = [_identity(path) or "-" for path in (self._path, *self._siblings())]
        lock.seek(0)
        if lock.read().split() != files:
            lock.truncate(0)
            lock.write(" ".join(files) + "\n")
            lock.flush()


def unavailable(fault: str) -> TemporarilyUnavailable:
    """Return the refusal for a store that cannot be used because of *fault*."""
    return TemporarilyUnavailable(cause=f"store: {fault}", retry_after=5)


def _missing(path: Path) -> str:
    return (
        f"there is no file {path}: set TOKENSVC_DATA_DIR or DATABASE_URL as the service has it, "
        "or restore the file; “tokensvc db upgrade” creates an empty one, without blocks, budgets and accounts"
    )


def _identity(path: Path) -> str | None:
    """Return the device and inode of a file, or None if there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - runs once per transaction, and Path.stat takes twice as long
    except OSError:
        return None
    return f"{found.st_dev}:{found.st_ino}"


def _check_revision(connection: sqlite3.Connection) -> None:
    # Before anything is written, so that a file that is not ours stays as it is.
    try:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB}:
            raise
        raise unavailable(f"the file is not a tokensvc store: {error}") from error
    if fault := fault_of(found[0][0] if len(found) == 1 else None):
        raise unavailable(fault)


def _set_pragmas(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # Loses nothing if a process is killed; a power cut may lose the last transactions.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA busy_timeout = 0")  # `begin` waits
    connection.execute("PRAGMA secure_delete = ON")  # what is erased must not stay in free pages
    # By default the log is copied back, with two fsyncs, every 1000 pages: every 30 mints.
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    # While a lot is removed at once, the log grows beyond that; by default, it would keep that size.
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_PAGES * 4096}")


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    """Hold an exclusive lock on the file at *path*; raise `unavailable` after `BUSY` seconds."""
    deadline = time.monotonic() + BUSY
    while True:
        with path.open("a+", encoding="ascii") as lock:
            if _try_lock(lock, path):
                lock.seek(0)
                yield lock
                return
        if time.monotonic() > deadline:
            raise unavailable(f"another process keeps {path.name} locked")
        time.sleep(_POLL)


def _try_lock(lock: IO[str], path: Path) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # If the lock file was deleted, other processes lock a new one of that name.
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False

"""Opens the SQLite file, and notices when another one has taken its place.

SQLite keeps its log beside the file (`-wal`, with its index `-shm`) and finds it by name. Once the
file is replaced, a process that has it open writes into a file without a name, and the next one to
open the new file would replay the old file's log into it. So the three are opened under a lock
whose file remembers which they were.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy.exc import DisconnectionError

from tokensvc.errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = 5.0  # seconds to wait for another worker's transaction
_POLL = 0.02  # seconds between two tries to get the lock
_SIBLINGS = ("-wal", "-shm")
_log = logging.getLogger(__name__)


class StoreConnection(sqlite3.Connection):
    """A connection that knows which file it has opened."""

    opened: str


class StoreFile:
    """The SQLite file at a path, whichever file that is at the moment."""

    def __init__(self, path: Path) -> None:
        """*path* is looked up at each use; a relative one is taken from the current folder."""
        self._path = path.absolute()

    def __str__(self) -> str:
        return str(self._path)

    @property
    def known(self) -> bool:
        """Whether there is a file, or was one that is gone."""
        return self._path.exists() or self._lock_path.exists()

    def connect(self, revision: str) -> StoreConnection:
        """Open the file, which has to be there with the schema of *revision*.

        Raises:
            TemporarilyUnavailable: unless it is there, ours, up to date and writable.
        """
        with self.alone():
            connection = self._open("rw")
            try:
                _check_revision(connection, revision)
                _begin_using(connection)
                # A file that cannot be written is opened all the same, for reading.
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except BaseException:
                connection.close()
                raise
            return connection

    def create(self) -> StoreConnection:
        """Open the file whatever it holds, or a new one; the caller holds `alone`."""
        if _identity(self._path) is None:
            _log.warning("created a new store file=%s", self)
        connection = self._open("rwc")
        _begin_using(connection)
        return connection

    @contextmanager
    def alone(self, *, create: bool = False) -> Iterator[None]:
        """Keep every other process from opening the file, and clear away a log that is not its own.

        With *create*, the folder is made where there is none.

        Raises:
            TemporarilyUnavailable: when the lock is held for too long or cannot be written, or,
                unless *create*, when the file is missing.
        """
        try:
            if create:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            elif _identity(self._path) is None:
                raise unavailable(self._missing)
            with _locked(self._lock_path) as lock:
                self._clear_log(lock)
                yield
                self._remember(lock)
        except OSError as error:
            raise unavailable(f"{error.strerror}: {error.filename or self}") from error

    def discard_if_replaced(self, connection: StoreConnection) -> None:
        """Raise DisconnectionError, which makes the pool reconnect, if another file is there.

        If none is there, the connection stays: while it is open, no new file can be taken for the
        one it has open, and the old one may come back.
        """
        if _identity(self._path) not in {None, connection.opened}:
            raise DisconnectionError("the file was replaced")

    def check_in_place(self, connection: StoreConnection) -> None:
        """Raise TemporarilyUnavailable unless the file is the one that *connection* has open."""
        found = _identity(self._path)
        if found != connection.opened:
            raise unavailable(f"{self} was replaced" if found else self._missing)

    @property
    def _missing(self) -> str:
        return f"there is no file {self}: restore it, or create one by “tokensvc db upgrade”"

    @property
    def _lock_path(self) -> Path:
        return self._path.with_name(self._path.name + ".lock")

    def _siblings(self) -> list[Path]:
        real = os.path.realpath(self._path)  # SQLite follows links too
        return [Path(real + suffix) for suffix in _SIBLINGS]

    def _open(self, mode: str) -> StoreConnection:
        seen = _identity(self._path)
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode={mode}",
            uri=True,
            check_same_thread=False,  # the pool lends it to one thread at a time
            isolation_level=None,  # the driver begins nothing; the engine does
            timeout=BUSY,
            factory=StoreConnection,
        )
        connection.opened = _identity(self._path) or ""
        if seen not in {None, connection.opened}:
            connection.close()
            raise unavailable("the file was replaced while it was opened")
        return connection

    def _clear_log(self, lock: IO[str]) -> None:
        """Take the log of a file that is gone out of its successor's way.

        A log that was restored along with the file is another than the one remembered, and stays.
        """
        remembered = lock.read().split()
        if not remembered or remembered[0] == _identity(self._path):
            return
        for sibling in self._siblings():
            if _identity(sibling) in remembered[1:]:
                # Not removed: if the old file was only moved away, this is the end of its record.
                sibling.replace(f"{sibling}.replaced")
                _log.warning("set aside the log of a replaced file file=%s", sibling)

    def _remember(self, lock: IO[str]) -> None:
        known = [_identity(path) or "-" for path in (self._path, *self._siblings())]
        lock.seek(0)
        if lock.read().split() != known:
            lock.truncate(0)
            lock.write(" ".join(known) + "\n")
            lock.flush()


def unavailable(fault: str) -> TemporarilyUnavailable:
    """The refusal for a store that cannot be used because of *fault*."""
    return TemporarilyUnavailable(cause=f"store: {fault}", retry_after=5)


def _identity(path: Path) -> str | None:
    """What tells a file from any other that exists; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - half the time of Path.stat, once a transaction
    except OSError:
        return None
    return f"{found.st_dev}:{found.st_ino}"


def _check_revision(connection: sqlite3.Connection, revision: str) -> None:
    # Before anything is written: an empty file stays empty, and somebody's other file as it is.
    try:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.DatabaseError as error:
        raise unavailable(f"the file cannot be read as our store: {error}") from error
    if found != [(revision,)]:
        raise unavailable("the schema is not up to date: run “tokensvc db upgrade”")


def _begin_using(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # Loses nothing when a process is killed; a power cut may lose the last moments.
    connection.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    deadline = time.monotonic() + BUSY
    while True:
        with path.open("a+", encoding="ascii") as lock:
            if _taken(lock, path):
                lock.seek(0)
                yield lock
                return
        if time.monotonic() > deadline:
            raise unavailable(f"another process keeps {path.name} locked")
        time.sleep(_POLL)


def _taken(lock: IO[str], path: Path) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Once its file is removed, others lock another file of that name.
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False

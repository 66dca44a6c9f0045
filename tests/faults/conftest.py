"""Stores of both engines, which a test may fill and damage."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from system.faults import answer
from system.postgres import Postgres
from system.upstream import Upstream

MINT = 0.3  # seconds, so that many are under way


@pytest.fixture(name="google", scope="session")
def _google():
    with Upstream() as google:
        yield google


@pytest.fixture(name="postgres", scope="module")
def _postgres():
    """Provide a PostgreSQL server of the module's own."""
    with closing(Postgres()) as postgres:
        yield postgres


@pytest.fixture(name="slow_google")
def _slow_google(google):
    def mint(exchange, _received):
        time.sleep(MINT)
        exchange.send(answer(200, b'{"name": "%s"}' % google.mint().encode()))
        return True

    google.minted.clear()
    google.received.clear()
    google.fault = mint
    yield google
    google.fault, google.refused_keys = None, {}

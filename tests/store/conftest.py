from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from tokensvc.domain import Admission, Budget, Lease, Limit, Principal, Window
from tokensvc.store.engine import open_engine, upgrade
from tokensvc.store.ledger import Ledger

NUMBERS = count()


class Clock:
    """A clock that moves only when advanced."""

    def __init__(self):
        self.now = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="database_url", params=["sqlite", "postgresql"])
def _database_url(request, tmp_path):
    """Run every test of the store on both engines."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'tokensvc.db'}"
    return request.getfixturevalue("new_database")()


@pytest.fixture(name="engine")
def _engine(database_url):
    engine = open_engine(database_url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(name="ledger")
def _ledger(engine, clock):
    return Ledger(engine, clock)


@pytest.fixture(name="lease")
def _lease(clock):
    """Make a lease of *subject* that lasts half an hour by default."""

    def make(subject="alice", *, minutes=30):
        return Lease(
            f"lease-{next(NUMBERS)}",
            Principal("user", "https://shop.example", subject),
            "default",
            {},
            clock(),
            clock() + timedelta(minutes=minutes),
        )

    return make


@pytest.fixture(name="admission")
def _admission(lease):
    """Make an admission for *subject*, with limits written as count/seconds.

    With a lease it is a renewal, with a new handle each time by default.
    """

    def make(subject="alice", *, limits="", budget=None, **fields):
        windows = tuple(Limit(*map(int, part.split("/"))) for part in limits.split())
        defaults = {
            "request_id": "request-1",
            "address": "192.0.2.1",
            "lease": fields.get("lease") or lease(subject),
            "model": "models/gemini-3.8-live",
            "renewal": "lease" in fields,
            "wanted": 300,
            "holder": subject,
            "handle": f"handle-{next(NUMBERS)}" if "lease" in fields else None,
            "windows": (Window("user", subject, windows),),
            "budgets": () if budget is None else (Budget("user", subject, budget),),
        }
        return Admission(**defaults | fields)

    return make

import shutil
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import text

from tokensvc.domain import Admission, Budget, Lease, Limit, Principal, Window
from tokensvc.store.engine import open_engine, upgrade
from tokensvc.store.ledger import Ledger
from tokensvc.store.schema import metadata

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


@pytest.fixture(name="migrated_file", scope="session")
def _migrated_file(tmp_path_factory):
    """A migrated SQLite file, which each test copies."""
    file = tmp_path_factory.mktemp("migrated") / "tokensvc.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(name="migrated_database", scope="session")
def _migrated_database(new_database):
    """A migrated PostgreSQL database, which each test empties."""
    url = new_database()
    _migrate(url)
    return url


def _migrate(url):
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture(
    name="database_url",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)],
)
def _database_url(request, tmp_path):
    """Run every test of the store on both engines, each in an empty, migrated database."""
    if request.param == "sqlite":
        copy = tmp_path / "data" / "tokensvc.db"
        copy.parent.mkdir()
        shutil.copy(request.getfixturevalue("migrated_file"), copy)
        return f"sqlite:///{copy}"
    url = request.getfixturevalue("migrated_database")
    engine = open_engine(url)
    with engine.begin() as connection:
        tables = ", ".join(metadata.tables)
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    engine.dispose()
    return url


@pytest.fixture(name="engine")
def _engine(database_url):
    engine = open_engine(database_url)
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
            "connect_within": 60,
            "holder": subject,
            "handle": f"handle-{next(NUMBERS)}" if "lease" in fields else None,
            "windows": (Window("user", subject, windows),),
            "budgets": () if budget is None else (Budget("user", subject, budget),),
        }
        return Admission(**defaults | fields)

    return make

from datetime import UTC, datetime, timedelta

import pytest

from tokensvc.domain import Admission, Limit, Principal
from tokensvc.store.engine import open_engine, upgrade
from tokensvc.store.ledger import Ledger


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="engine")
def _engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'data' / 'tokensvc.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(name="ledger")
def _ledger(engine, clock):
    return Ledger(engine, clock)


def admission(subject="alice", *, limits="3/60", profile_limits="", **fields):
    """What a person asks the ledger for; limits are written as count/seconds."""
    kind = "guest" if subject is None else "user"
    defaults = {
        "request_id": "request-1",
        "principal": Principal(kind, "https://shop.example", subject or "somebody"),
        "address": "192.0.2.1",
        "profile": "default",
        "model": "models/gemini-3.8-live",
        "limits": _limits(limits),
        "profile_limits": _limits(profile_limits),
    }
    return Admission(**defaults | fields)


def _limits(text):
    return tuple(Limit(*map(int, part.split("/"))) for part in text.split())

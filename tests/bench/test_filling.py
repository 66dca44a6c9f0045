"""The large ledger of `make bench` is one that the service could have written."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bench.filling import DAYS, EVENTS, ISSUER, LIFETIME, TOKENS, fill
from tokensvc.domain import Admission, Budget, EphemeralToken, Lease, Principal
from tokensvc.quota_keys import key
from tokensvc.store.audit import Audit, Filters
from tokensvc.store.engine import open_existing
from tokensvc.store.ledger import Ledger
from tokensvc.store.schema import metadata
from tokensvc.store.times import SECOND, microseconds

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CONVERSATIONS = 900
SUBJECTS = ["ada", "grace", "edsger"]


@pytest.fixture(name="engine", scope="module")
def _engine(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "tokensvc.db"
    fill(path, CONVERSATIONS * EVENTS, SUBJECTS, microseconds(NOW))
    engine = open_existing(f"sqlite:///{path}")
    yield engine
    engine.dispose()


def test_events_are_those_of_whole_conversations_over_three_months(engine):
    events = list(Audit(engine).events(Filters()))
    assert Counter(event.kind for event in events) == {
        "reserved": CONVERSATIONS * TOKENS,
        "granted": CONVERSATIONS * TOKENS,
        "ended": CONVERSATIONS,
    }
    assert {event.subject for event in events} == set(SUBJECTS)
    assert events[-1].at - events[0].at > timedelta(days=DAYS - 1)


def test_spending_is_what_was_granted(engine):
    with engine.connect() as connection:
        spent = connection.execute(text("select sum(seconds) from spending")).scalar()
    assert spent == CONVERSATIONS * TOKENS * LIFETIME // SECOND


def test_every_index_is_there(engine):
    with engine.connect() as connection:
        query = "select name from sqlite_master where type = 'index' and sql is not null"
        found = set(connection.execute(text(query)).scalars())
    assert found == {index.name for table in metadata.tables.values() for index in table.indexes}


def test_ledger_goes_on_in_it(engine):
    who = key("subject", ISSUER, "ada")
    lease = Lease(
        "new",
        Principal("user", ISSUER, "ada"),
        "default",
        {},
        NOW,
        NOW + timedelta(minutes=30),
    )
    ledger = Ledger(engine, lambda: NOW)
    reservation = ledger.admit(
        Admission(
            request_id="request",
            address="192.0.2.1",
            lease=lease,
            model="models/m",
            renewal=False,
            wanted=300,
            connect_within=60,
            holder=who,
            places=1000,
            budgets=(Budget("user", who, 10**9),),
        )
    )
    ledger.grant(reservation, EphemeralToken("auth_tokens/t", NOW, NOW))
    assert [event.kind for event in Audit(engine).events(Filters(lease="new"))] == [
        "reserved",
        "granted",
    ]

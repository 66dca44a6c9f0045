from datetime import UTC, datetime, timedelta

import pytest

from tokensvc.domain import EphemeralToken
from tokensvc.store.audit import Audit, Filters


@pytest.fixture(name="history")
def _history(engine, ledger, clock, admission):
    """Record a grant for Alice, a refund for Bob and Alice's end, a minute apart."""
    alice, bob = admission("alice"), admission("bob")
    reservation = ledger.admit(alice)
    ledger.grant(reservation, EphemeralToken("auth_tokens/x", reservation.expires_at, clock()))
    clock.advance(60)
    ledger.refund(ledger.admit(bob), "upstream-timeout")
    clock.advance(60)
    ledger.end(alice.lease, "request-2", "192.0.2.1")
    return Audit(engine)


def summaries(events):
    return [f"{event.subject} {event.kind}" for event in events]


def test_events_are_listed_in_order_with_their_times(history):
    found = list(history.events(Filters()))

    assert summaries(found) == [
        "alice reserved",
        "alice granted",
        "bob reserved",
        "bob refunded",
        "alice ended",
    ]
    assert found[0].at == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert found[1].expires_at == found[0].at + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("filters", "last", "expected"),
    [
        ({"subject": "bob"}, None, ["bob reserved", "bob refunded"]),
        ({"kind": "granted"}, None, ["alice granted"]),
        ({"profile": "other"}, None, []),
        ({}, 2, ["bob refunded", "alice ended"]),
        ({"subject": "alice"}, 1, ["alice ended"]),
        (
            {},
            99,
            ["alice reserved", "alice granted", "bob reserved", "bob refunded", "alice ended"],
        ),
    ],
)
def test_filters_select_events_and_last_keeps_the_newest(history, filters, last, expected):
    assert summaries(history.events(Filters(**filters), last=last)) == expected


def test_time_range_includes_its_start_and_excludes_its_end(history, clock):
    start = clock() - timedelta(seconds=60)

    assert summaries(history.events(Filters(since=start, until=clock()))) == [
        "bob reserved",
        "bob refunded",
    ]


@pytest.mark.usefixtures("history")
def test_reading_in_batches_returns_every_event(engine):
    assert len(summaries(Audit(engine, batch=2).events(Filters()))) == 5


@pytest.mark.usefixtures("history")
def test_old_events_are_removed_in_batches(engine, clock):
    audit = Audit(engine, batch=1)

    assert audit.remove_before(clock() - timedelta(seconds=60)) == 2
    assert len(summaries(audit.events(Filters()))) == 3

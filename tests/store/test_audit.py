from datetime import UTC, datetime, timedelta

import pytest

from tokensvc.domain import EphemeralToken
from tokensvc.store.audit import Audit, Filters


@pytest.fixture(name="history")
def _history(engine, ledger, clock, admission):
    """Alice is granted, Bob refunded, Alice ends: a minute apart."""
    alice, bob = admission("alice"), admission("bob")
    reservation = ledger.admit(alice)
    ledger.grant(reservation, EphemeralToken("auth_tokens/x", reservation.expires_at, clock()))
    clock.advance(60)
    ledger.refund(ledger.admit(bob), "upstream-timeout")
    clock.advance(60)
    ledger.end(alice.lease, "request-2", "192.0.2.1")
    return Audit(engine)


def kinds(found):
    return [f"{event.subject} {event.kind}" for event in found]


def test_everything(history):
    found = list(history.events(Filters()))

    assert kinds(found) == [
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
def test_filters(history, filters, last, expected):
    """They let through what was asked for, and the newest of it."""
    assert kinds(history.events(Filters(**filters), last=last)) == expected


def test_a_stretch_of_time(history, clock):
    """It begins with its start and ends before its end."""
    start = clock() - timedelta(seconds=60)

    assert kinds(history.events(Filters(since=start, until=clock()))) == [
        "bob reserved",
        "bob refunded",
    ]


@pytest.mark.usefixtures("history")
def test_reading_in_batches_leaves_nothing_out(engine):
    assert len(kinds(Audit(engine, batch=2).events(Filters()))) == 5


@pytest.mark.usefixtures("history")
def test_old_events_are_removed_in_batches(engine, clock):
    audit = Audit(engine, batch=1)

    assert audit.remove_before(clock() - timedelta(seconds=60)) == 2
    assert len(kinds(audit.events(Filters()))) == 3

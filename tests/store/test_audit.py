from datetime import timedelta

import pytest

from tokensvc.domain import EphemeralToken
from tokensvc.store import audit as audit_module
from tokensvc.store.audit import Audit, Filters


@pytest.fixture(name="history")
def _history(engine, ledger, clock, admission):
    """Alice is granted, Bob refunded, Alice ends: a minute apart."""
    alice, bob = admission("alice"), admission("bob")
    reservation = ledger.admit(alice)
    ledger.grant(
        reservation, alice, EphemeralToken("auth_tokens/x", reservation.expires_at, clock())
    )
    clock.advance(60)
    ledger.refund(ledger.admit(bob), bob, "upstream-timeout")
    clock.advance(60)
    ledger.end(alice.lease, "request-2", "192.0.2.1")
    return Audit(engine)


def kinds(found):
    return [f"{event['subject']} {event['kind']}" for event in found]


def test_everything(history):
    """It comes oldest first, with times that people and programs read."""
    found = list(history.events(Filters()))

    assert kinds(found) == [
        "alice reserved",
        "alice granted",
        "bob reserved",
        "bob refunded",
        "alice ended",
    ]
    assert found[0]["at"] == "2026-11-22T23:00:00Z"
    assert found[1]["expires_at"] == "2026-11-22T23:05:00Z"


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


def test_more_than_is_read_at_once(history, monkeypatch):
    """Nothing is left out between two steps."""
    monkeypatch.setattr(audit_module, "_READ_AT_ONCE", 2)

    assert len(kinds(history.events(Filters()))) == 5


def test_what_is_too_old(history, clock, monkeypatch):
    """It is removed, however many steps it takes, and the rest stays."""
    monkeypatch.setattr(audit_module, "_REMOVED_AT_ONCE", 1)

    assert history.remove_before(clock() - timedelta(seconds=60)) == 2
    assert len(kinds(history.events(Filters()))) == 3

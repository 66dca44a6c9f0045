"""A mint whose process was killed gives everything back once nobody can open its token."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tokensvc.domain import EphemeralToken
from tokensvc.errors import RateLimited, TemporarilyUnavailable, TooManyAtOnce
from tokensvc.store.audit import Audit
from tokensvc.store.schema import charges, events, leases, spending, tokens
from tokensvc.store.sweeping import Sweeper

CONNECT_WITHIN = 60
RETURNED_AFTER = CONNECT_WITHIN + 25  # seconds


def rows(engine, table):
    with engine.begin() as connection:
        return connection.execute(select(table)).all()


def granted(ledger, reservation):
    end = reservation.expires_at
    ledger.grant(reservation, EphemeralToken("auth_tokens/canary", end, end))


@pytest.fixture(name="sweeper")
def _sweeper(engine, clock):
    return Sweeper(engine, clock)


def test_interrupted_start_gives_back_its_place_charge_and_seconds(engine, ledger, clock, admission, sweeper):
    asked = {"places": 1, "limits": "1/3600", "budget": 10_000, "connect_within": CONNECT_WITHIN}
    ledger.admit(admission(**asked))
    clock.advance(RETURNED_AFTER - 1)
    sweeper.sweep()
    with pytest.raises((RateLimited, TooManyAtOnce)):
        ledger.admit(admission(**asked))

    clock.advance(1)
    sweeper.sweep()
    assert not any(rows(engine, table) for table in (tokens, leases, charges))
    assert [row.seconds for row in rows(engine, spending)] == [0]
    (reserved, refunded) = rows(engine, events)
    assert (refunded.kind, refunded.code, refunded.seconds) == ("refunded", "interrupted", 300)
    assert refunded.reservation_id == reserved.reservation_id
    assert refunded.at > reserved.at
    granted(ledger, ledger.admit(admission(**asked)))


def test_interrupted_renewal_leaves_the_conversation_as_it_was(engine, ledger, clock, admission, sweeper):
    first = ledger.admit(admission(budget=10_000))
    granted(ledger, first)
    before = rows(engine, leases), rows(engine, tokens)
    clock.advance(100)
    ledger.admit(admission(lease=first.admission.lease, budget=10_000))
    clock.advance(RETURNED_AFTER)
    sweeper.sweep()

    assert (rows(engine, leases), rows(engine, tokens)) == before
    assert [row.seconds for row in rows(engine, spending)] == [300]


def test_mint_that_ended_gives_nothing_back(engine, ledger, clock, admission, sweeper):
    granted(ledger, ledger.admit(admission(budget=10_000)))
    ledger.refund(ledger.admit(admission("bob", budget=10_000)), "upstream-timeout")
    clock.advance(RETURNED_AFTER)

    assert sweeper.sweep() == 0
    assert [event.kind for event in rows(engine, events)] == [
        "reserved",
        "granted",
        "reserved",
        "refunded",
    ]


def test_charge_is_returned_once_by_sweeps_and_a_late_refund(engine, ledger, clock, admission, sweeper):
    reservation = ledger.admit(admission(budget=10_000))
    clock.advance(RETURNED_AFTER)
    assert sweeper.sweep() == 1
    assert sweeper.sweep() == 0
    ledger.refund(reservation, "upstream-timeout")

    assert [row.seconds for row in rows(engine, spending)] == [0]
    assert len(rows(engine, events)) == 2


def test_interrupted_mint_whose_event_was_pruned_stays_charged(engine, ledger, clock, admission, sweeper):
    ledger.admit(admission(budget=10_000))
    clock.advance(RETURNED_AFTER)
    Audit(engine).remove_before(clock())
    sweeper.sweep()

    assert sweeper.sweep() == 0
    assert [row.seconds for row in rows(engine, spending)] == [300]


def test_token_of_a_suspended_process_is_not_handed_out(ledger, clock, admission):
    """Its charge may have been returned, so nobody may get it."""
    reservation = ledger.admit(admission())
    clock.advance(16)
    with pytest.raises(TemporarilyUnavailable):
        granted(ledger, reservation)

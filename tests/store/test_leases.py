"""Conversations in the ledger: their tokens, their places and their refunds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from tokensvc.errors import BudgetSpent, LeaseOver, RateLimited, TooManyAtOnce
from tokensvc.store.engine import open_engine
from tokensvc.store.ledger import Ledger
from tokensvc.store.schema import charges, events, leases, spending, tokens
from tokensvc.store.times import microseconds


def rows(engine, table):
    with engine.begin() as connection:
        return connection.execute(select(table).order_by(table.c.id)).all()


def spent(engine):
    with engine.begin() as connection:
        return connection.execute(select(func.sum(spending.c.seconds))).scalar_one()


@pytest.fixture(name="start_conversation")
def _start_conversation(ledger, admission):
    """Start a conversation and return its admission."""

    def start_conversation(subject="alice", **fields):
        admitted = admission(subject, **fields)
        ledger.admit(admitted)
        return admitted

    return start_conversation


def test_conversation_holds_a_place_until_its_tokens_expire(ledger, clock, admission, start_conversation):
    start_conversation(places=2)
    clock.advance(100)
    second = start_conversation(places=2)

    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(places=2))
    assert refused.value.retry_after == 200

    ledger.end(second.lease, "request-2", "192.0.2.1")
    start_conversation(places=2)
    clock.advance(200)
    start_conversation(places=2)


def test_context_is_kept_with_its_lease_and_gone_with_it(ledger, engine, clock, lease, admission):
    plain = lease()
    started = ledger.admit(admission(lease=replace(plain, context={"order": "tea ☂"}), renewal=False, handle=None))
    clock.advance(200)
    renewed = [ledger.admit(admission(lease=plain, handle=handle)) for handle in ("a handle", None)]

    assert [each.context for each in (started, *renewed)] == 3 * [{"order": "tea ☂"}]
    assert "tea" not in repr(started) + repr(renewed)
    assert ledger.admit(admission("bob")).context == {}

    ledger.end(plain, "request-2", "192.0.2.1")
    assert all("tea" not in str(row) for table in (leases, tokens, events) for row in rows(engine, table))


def test_failed_mint_takes_its_context_along(ledger, engine, lease, admission):
    started = ledger.admit(admission(lease=replace(lease(), context={"order": "17"}), renewal=False, handle=None))
    ledger.refund(started, "upstream-timeout")

    assert rows(engine, leases) == []


def test_places_that_are_only_recorded_refuse_nobody(ledger, admission, start_conversation, caplog):
    start_conversation(places=1, records_places=True)
    assert "would refuse" not in caplog.text

    start_conversation(places=1, records_places=True)
    assert "concurrent would refuse places=1 key=" in caplog.text

    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission(places=2))


def test_start_with_fewer_places_waits_for_several_conversations_to_end(ledger, clock, admission, start_conversation):
    for _ in range(3):
        start_conversation(places=3)
        clock.advance(10)

    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(places=1))
    assert refused.value.retry_after == 290
    clock.advance(refused.value.retry_after)
    ledger.admit(admission(places=1))


def test_renewal_keeps_its_place(ledger, clock, admission, start_conversation):
    admitted = start_conversation(places=1)
    for _ in range(5):
        clock.advance(280)
        ledger.admit(admission(lease=admitted.lease, places=1))
    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission(places=1))


def test_renewal_after_a_pause_needs_a_free_place(ledger, clock, admission, start_conversation):
    """Another conversation may take the place between the two tokens."""
    admitted = start_conversation(places=1)
    clock.advance(300)
    start_conversation(places=1)

    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission(lease=admitted.lease, places=1))


def test_place_is_held_until_the_longest_token_expires(ledger, clock, admission, start_conversation):
    admitted = start_conversation(places=1)
    for _ in range(3):
        clock.advance(10)
        last = ledger.admit(admission(lease=admitted.lease, places=1))
    assert last.expires_at == clock() + timedelta(seconds=30)

    clock.advance(31)
    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(places=1))
    assert refused.value.retry_after == 310 - 61
    ledger.admit(admission(lease=admitted.lease, places=1))


def test_fresh_starts_of_one_lease_take_the_free_place_and_one_extra(ledger, clock, admission, start_conversation):
    admitted = start_conversation(places=2)
    clock.advance(60)
    granted = 0
    for _ in range(10):
        try:
            ledger.admit(admission(lease=admitted.lease, handle=None, places=2))
        except TooManyAtOnce:
            continue
        else:
            granted += 1
    assert granted == 2


def test_concurrent_fresh_starts_of_two_workers_take_no_more_places(
    engine, database_url, clock, admission, start_conversation
):
    admitted = start_conversation(places=2)
    clock.advance(60)
    engines, start, granted = [engine, open_engine(database_url)], Barrier(10), []

    def admit(ledger, each):
        start.wait()
        try:
            granted.append(ledger.admit(each))
        except TooManyAtOnce:
            return

    threads = [
        Thread(
            target=admit,
            args=(
                Ledger(engines[number % 2], clock),
                admission(lease=admitted.lease, handle=None, places=2),
            ),
        )
        for number in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 2
    engines[1].dispose()


def test_network_changes_are_not_refused_with_all_places_taken(ledger, clock, admission, start_conversation):
    admitted = start_conversation(places=2)
    start_conversation(places=2)
    for _ in range(3):
        clock.advance(10)
        ledger.admit(admission(lease=admitted.lease, handle=None, places=2))


def test_ended_leases_count_against_twice_the_places_until_their_tokens_expire(
    ledger, clock, admission, start_conversation
):
    for _ in range(4):
        ledger.end(start_conversation(places=2).lease, "request-2", "192.0.2.1")
        clock.advance(10)

    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(places=2))
    assert refused.value.retry_after == 260
    clock.advance(refused.value.retry_after)
    ledger.admit(admission(places=2))


def test_moved_conversation_takes_a_place_at_its_new_address(ledger, clock, admission, start_conversation):
    """The old address gets its place back; the new one admits up to twice its places."""
    moving = [start_conversation("home", places=2) for _ in range(2)]
    start_conversation("cafe", places=2)
    start_conversation("cafe", places=2)
    clock.advance(100)
    for admitted in moving:
        ledger.admit(admission("cafe", lease=admitted.lease, places=2))

    third = start_conversation("home", places=2)
    start_conversation("home", places=2)
    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission("cafe", lease=third.lease, places=2))
    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission("home", places=2))


def test_lease_has_at_most_eight_unexpired_tokens(engine, ledger, admission, start_conversation):
    admitted = start_conversation(places=2)
    for _ in range(7):
        ledger.admit(admission(lease=admitted.lease, places=2))
    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission(lease=admitted.lease, places=2))
    assert refused.value.retry_after == 30
    assert len(rows(engine, tokens)) == 8


def test_retries_charge_only_the_added_time(engine, ledger, clock, admission, start_conversation):
    admitted = start_conversation(budget=10_000)
    clock.advance(250)
    for _ in range(100):
        clock.advance(1.37)
        again = admission(lease=admitted.lease, budget=10_000, handle="the same")
        reservation = ledger.admit(again)

    assert 300 + 250 + 137 <= spent(engine) <= 300 + 250 + 137 + 1
    assert reservation.expires_at == clock() + timedelta(seconds=300)


def test_pause_between_two_tokens_is_not_charged(engine, ledger, clock, admission, start_conversation):
    admitted = start_conversation(budget=10_000)
    clock.advance(900)
    ledger.admit(admission(lease=admitted.lease, budget=10_000))

    assert spent(engine) == 600


def test_paid_time_remains_available_with_a_spent_budget(ledger, clock, admission, start_conversation):
    """Less than half a minute of it is refused."""
    admitted = start_conversation(budget=300)
    clock.advance(100)
    renewed = ledger.admit(admission(lease=admitted.lease, budget=300))
    assert renewed.expires_at == clock() + timedelta(seconds=200)

    clock.advance(171)
    with pytest.raises(BudgetSpent):
        ledger.admit(admission(lease=admitted.lease, budget=300))


def test_last_token_ends_with_the_lease(ledger, clock, admission, start_conversation, lease):
    """A renewal with less than half a minute left is refused."""
    admitted = start_conversation(lease=lease(minutes=6), renewal=False)
    clock.advance(200)
    renewed = ledger.admit(admission(lease=admitted.lease))
    assert renewed.expires_at == admitted.lease.expires_at

    clock.advance(131)
    with pytest.raises(LeaseOver):
        ledger.admit(admission(lease=admitted.lease))


def test_ended_lease_is_recorded_once_refunds_nothing_and_is_not_renewed(engine, ledger, admission, start_conversation):
    admitted = start_conversation(budget=10_000)
    ledger.end(admitted.lease, "request-2", "192.0.2.1")
    ledger.end(admitted.lease, "request-3", "192.0.2.1")

    for handle in (None, "handle"):
        with pytest.raises(LeaseOver):
            ledger.admit(admission(lease=admitted.lease, budget=10_000, handle=handle))
    assert [event.kind for event in rows(engine, events)] == ["reserved", "ended"]
    assert spent(engine) == 300


@pytest.mark.parametrize("handle", ["another", "the same", None])
@pytest.mark.parametrize("holder", ["alice", "elsewhere"])
@pytest.mark.parametrize("wait", [5, 100, 400])
def test_refunded_renewal_leaves_no_trace(  # noqa: PLR0917 - one argument for each situation
    engine, ledger, clock, admission, start_conversation, handle, holder, wait
):
    admitted = start_conversation(budget=10_000, places=2)
    clock.advance(50)
    ledger.admit(admission(lease=admitted.lease, budget=10_000, places=2, handle="the same"))
    clock.advance(wait)
    before = [rows(engine, table) for table in (leases, tokens, charges)], spent(engine)
    again = admission(lease=admitted.lease, budget=10_000, places=2, handle=handle, holder=holder)
    ledger.refund(ledger.admit(again), "upstream-timeout")

    after = [rows(engine, table) for table in (leases, tokens, charges)], spent(engine)
    if wait < 300:
        assert after == before
    else:
        assert (after[0][0], after[1]) == (before[0][0], before[1])
        start_conversation(places=2)
        start_conversation(places=2)


def test_failed_renewal_stays_charged_if_a_later_token_uses_its_time(
    engine, ledger, clock, admission, start_conversation
):
    admitted = start_conversation(budget=10_000)
    clock.advance(270)
    failed, later = (admission(lease=admitted.lease, budget=10_000, handle="the same") for _ in range(2))
    reserved = ledger.admit(failed)
    clock.advance(10)
    ledger.admit(later)
    ledger.refund(reserved, "upstream-timeout")

    assert spent(engine) == 580
    assert [event.seconds for event in rows(engine, events)] == [300, 270, 10, 0]


def test_failed_renewal_stays_charged_if_a_later_token_needs_it(  # noqa: PLR0917 - fixtures
    engine, ledger, clock, admission, start_conversation, lease
):
    admitted = start_conversation(lease=lease(minutes=6), renewal=False, budget=10_000)
    clock.advance(100)
    failed, later = (admission(lease=admitted.lease, budget=10_000) for _ in range(2))
    reserved = ledger.admit(failed)
    last = ledger.admit(later)
    ledger.refund(reserved, "upstream-timeout")

    assert spent(engine) == 360
    (lease_row,) = rows(engine, leases)
    assert lease_row.charged_until >= microseconds(last.expires_at)

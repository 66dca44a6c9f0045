"""Conversations in the ledger: their tokens, their places, and what a refund puts back."""

from __future__ import annotations

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


@pytest.fixture(name="begin")
def _begin(ledger, admission):
    """Begins a conversation; its admission."""

    def begin(subject="alice", **fields):
        asked = admission(subject, **fields)
        ledger.admit(asked)
        return asked

    return begin


def test_a_conversation_takes_a_place_until_its_tokens_end(ledger, clock, admission, begin):
    begin(places=2)
    clock.advance(100)
    second = begin(places=2)

    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(places=2))
    assert refused.value.retry_after == 200

    ledger.end(second.lease, "request-2", "192.0.2.1")
    begin(places=2)
    clock.advance(200)
    begin(places=2)


def test_with_fewer_places_than_before_several_have_to_end(ledger, clock, admission, begin):
    for _ in range(3):
        begin(places=3)
        clock.advance(10)

    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(places=1))
    assert refused.value.retry_after == 290
    clock.advance(refused.value.retry_after)
    ledger.admit(admission(places=1))


def test_a_renewal_has_its_place_already(ledger, clock, admission, begin):
    asked = begin(places=1)
    for _ in range(5):
        clock.advance(280)
        ledger.admit(admission(lease=asked.lease, places=1))
    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission(places=1))


def test_a_renewal_after_a_pause_needs_a_place(ledger, clock, admission, begin):
    """Between two tokens somebody else may have taken it."""
    asked = begin(places=1)
    clock.advance(300)
    begin(places=1)

    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission(lease=asked.lease, places=1))


def test_a_short_token_keeps_the_place_until_the_long_one_before_it_has_ended(
    ledger, clock, admission, begin
):
    asked = begin(places=1)
    for _ in range(3):
        clock.advance(10)
        last = ledger.admit(admission(lease=asked.lease, places=1))
    assert last.expires_at == clock() + timedelta(seconds=30)

    clock.advance(31)
    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(places=1))
    assert refused.value.retry_after == 310 - 61
    ledger.admit(admission(lease=asked.lease, places=1))


def test_ten_fresh_starts_of_one_lease_with_two_places(ledger, clock, admission, begin):
    """Two are granted: one has the other place, and one needs none of its own."""
    asked = begin(places=2)
    clock.advance(60)
    granted = 0
    for _ in range(10):
        try:
            ledger.admit(admission(lease=asked.lease, handle=None, places=2))
        except TooManyAtOnce:
            continue
        else:
            granted += 1
    assert granted == 2


def test_ten_fresh_starts_at_once(engine, database_url, clock, admission, begin):
    """Two workers grant as many as one."""
    asked = begin(places=2)
    clock.advance(60)
    engines, start, granted = [engine, open_engine(database_url)], Barrier(10), []

    def ask(ledger, each):
        start.wait()
        try:
            granted.append(ledger.admit(each))
        except TooManyAtOnce:
            return

    threads = [
        Thread(
            target=ask,
            args=(
                Ledger(engines[number % 2], clock),
                admission(lease=asked.lease, handle=None, places=2),
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


def test_three_changes_of_network_beside_another_conversation(ledger, clock, admission, begin):
    """None is refused, although both places are taken."""
    asked = begin(places=2)
    begin(places=2)
    for _ in range(3):
        clock.advance(10)
        ledger.admit(admission(lease=asked.lease, handle=None, places=2))


def test_an_ended_lease_frees_its_place_and_counts_until_its_tokens_end(
    ledger, clock, admission, begin
):
    """Ending and starting again and again gives twice the places, and no more."""
    for _ in range(4):
        ledger.end(begin(places=2).lease, "request-2", "192.0.2.1")
        clock.advance(10)

    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(places=2))
    assert refused.value.retry_after == 260
    clock.advance(refused.value.retry_after)
    ledger.admit(admission(places=2))


def test_a_renewal_counts_for_the_address_it_comes_from(ledger, clock, admission, begin):
    """The old address has its place back; the new one takes in as many again as it has places."""
    moving = [begin("home", places=2) for _ in range(2)]
    begin("cafe", places=2)
    begin("cafe", places=2)
    clock.advance(100)
    for asked in moving:
        ledger.admit(admission("cafe", lease=asked.lease, places=2))

    third = begin("home", places=2)
    begin("home", places=2)
    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission("cafe", lease=third.lease, places=2))
    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission("home", places=2))


def test_a_lease_has_a_bounded_number_of_unexpired_tokens(engine, ledger, admission, begin):
    asked = begin(places=2)
    for _ in range(7):
        ledger.admit(admission(lease=asked.lease, places=2))
    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission(lease=asked.lease, places=2))
    assert refused.value.retry_after == 30
    assert len(rows(engine, tokens)) == 8


def test_a_retry_charges_only_the_growth(engine, ledger, clock, admission, begin):
    asked = begin(budget=10_000)
    clock.advance(250)
    for _ in range(100):
        clock.advance(1.37)
        again = admission(lease=asked.lease, budget=10_000, handle="the same")
        reservation = ledger.admit(again)

    assert 300 + 250 + 137 <= spent(engine) <= 300 + 250 + 137 + 1
    assert reservation.expires_at == clock() + timedelta(seconds=300)


def test_a_pause_between_two_tokens_is_not_charged(engine, ledger, clock, admission, begin):
    asked = begin(budget=10_000)
    clock.advance(900)
    ledger.admit(admission(lease=asked.lease, budget=10_000))

    assert spent(engine) == 600


def test_what_was_paid_for_can_be_had_with_the_budget_spent(ledger, clock, admission, begin):
    """Less than half a minute of it is refused."""
    asked = begin(budget=300)
    clock.advance(100)
    renewed = ledger.admit(admission(lease=asked.lease, budget=300))
    assert renewed.expires_at == clock() + timedelta(seconds=200)

    clock.advance(171)
    with pytest.raises(BudgetSpent):
        ledger.admit(admission(lease=asked.lease, budget=300))


def test_a_conversation_ends_with_its_lease(ledger, clock, admission, begin, lease):
    """The last token ends with it; what is left after that is refused."""
    asked = begin(lease=lease(minutes=6), renewal=False)
    clock.advance(200)
    renewed = ledger.admit(admission(lease=asked.lease))
    assert renewed.expires_at == asked.lease.expires_at

    clock.advance(131)
    with pytest.raises(LeaseOver):
        ledger.admit(admission(lease=asked.lease))


def test_an_ended_lease_is_not_renewed(engine, ledger, admission, begin):
    """It is recorded once, and returns no second."""
    asked = begin(budget=10_000)
    ledger.end(asked.lease, "request-2", "192.0.2.1")
    ledger.end(asked.lease, "request-3", "192.0.2.1")

    for handle in (None, "handle"):
        with pytest.raises(LeaseOver):
            ledger.admit(admission(lease=asked.lease, budget=10_000, handle=handle))
    assert [event.kind for event in rows(engine, events)] == ["reserved", "ended"]
    assert spent(engine) == 300


@pytest.mark.parametrize("handle", ["another", "the same", None])
@pytest.mark.parametrize("holder", ["alice", "elsewhere"])
@pytest.mark.parametrize("wait", [5, 100, 400])
def test_a_refund_leaves_no_trace(  # noqa: PLR0917 - its situations
    engine, ledger, clock, admission, begin, handle, holder, wait
):
    """Whatever kind of renewal failed to be minted, it is as if it had not been asked for."""
    asked = begin(budget=10_000, places=2)
    clock.advance(50)
    ledger.admit(admission(lease=asked.lease, budget=10_000, places=2, handle="the same"))
    clock.advance(wait)
    before = [rows(engine, table) for table in (leases, tokens, charges)], spent(engine)
    again = admission(lease=asked.lease, budget=10_000, places=2, handle=handle, holder=holder)
    ledger.refund(ledger.admit(again), "upstream-timeout")

    after = [rows(engine, table) for table in (leases, tokens, charges)], spent(engine)
    if wait < 300:
        assert after == before
    else:
        assert (after[0][0], after[1]) == (before[0][0], before[1])
        begin(places=2)
        begin(places=2)


def test_a_failed_renewal_that_another_has_built_upon(engine, ledger, clock, admission, begin):
    """Its seconds stay charged, since the later token uses them."""
    asked = begin(budget=10_000)
    clock.advance(270)
    failing, good = (
        admission(lease=asked.lease, budget=10_000, handle="the same") for _ in range(2)
    )
    reserved = ledger.admit(failing)
    clock.advance(10)
    ledger.admit(good)
    ledger.refund(reserved, "upstream-timeout")

    assert spent(engine) == 580
    assert [event.seconds for event in rows(engine, events)] == [300, 270, 10, 0]


def test_a_failed_renewal_that_another_needs_stays_paid(  # noqa: PLR0917 - fixtures
    engine, ledger, clock, admission, begin, lease
):
    asked = begin(lease=lease(minutes=6), renewal=False, budget=10_000)
    clock.advance(100)
    failing, good = (admission(lease=asked.lease, budget=10_000) for _ in range(2))
    reserved = ledger.admit(failing)
    last = ledger.admit(good)
    ledger.refund(reserved, "upstream-timeout")

    assert spent(engine) == 360
    ((standing),) = rows(engine, leases)
    assert standing.charged_until >= microseconds(last.expires_at)

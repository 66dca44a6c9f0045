from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from tokensvc.domain import EphemeralToken, Limit, Window
from tokensvc.errors import (
    Blocked,
    BudgetSpent,
    RateLimited,
    TemporarilyUnavailable,
)
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_engine
from tokensvc.store.ledger import Ledger
from tokensvc.store.schema import charges, events, leases, spending


def rows(engine, table):
    with engine.begin() as connection:
        order = table.c.id if "id" in table.c else table.c.key
        return connection.execute(select(table).order_by(order)).all()


def spent(engine):
    return sum(row.seconds for row in rows(engine, spending))


def token(reservation):
    return EphemeralToken("auth_tokens/canary", reservation.expires_at, reservation.expires_at)


def test_a_grant(engine, ledger, clock, admission):
    """It is two events: reserved before the mint, and granted with the fingerprint after it."""
    asked = admission()
    reservation = ledger.admit(asked)
    clock.advance(1)
    ledger.grant(reservation, token(reservation))

    reserved, granted = rows(engine, events)
    assert (reserved.kind, granted.kind) == ("reserved", "granted")
    assert reserved.reservation_id == granted.reservation_id == reservation.id
    assert granted.at - reserved.at == 1_000_000
    assert granted.fingerprint == token(reservation).fingerprint
    assert granted.expires_at - reserved.at == 300_000_000
    assert (granted.issuer, granted.subject) == ("https://shop.example", "alice")


def test_a_refund(engine, ledger, admission):
    """Nothing of the charge is left, and the two events say why."""
    asked = admission(limits="1/60", places=1, budget=300)
    ledger.refund(ledger.admit(asked), "upstream-timeout")

    assert [(event.kind, event.code) for event in rows(engine, events)] == [
        ("reserved", None),
        ("refunded", "upstream-timeout"),
    ]
    assert rows(engine, charges) == rows(engine, leases) == []
    assert spent(engine) == 0
    ledger.admit(admission(limits="1/60", places=1, budget=300))


def test_an_event(engine, ledger, admission):
    """It is never changed, whoever tries."""
    ledger.admit(admission())

    with (
        pytest.raises(SQLAlchemyError, match="appended, never changed"),
        engine.begin() as connection,
    ):
        connection.execute(text("UPDATE events SET subject = 'mallory'"))


def test_a_window_that_slides(ledger, clock, admission):
    """No stretch of the window's length holds more than the limit, and waiting as told suffices."""
    for _ in range(3):
        ledger.admit(admission(limits="3/60"))
        clock.advance(10)

    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission(limits="3/60"))
    assert refused.value.retry_after == 30

    clock.advance(refused.value.retry_after - 0.001)
    with pytest.raises(RateLimited):
        ledger.admit(admission(limits="3/60"))
    clock.advance(0.001)
    ledger.admit(admission(limits="3/60"))
    with pytest.raises(RateLimited):
        ledger.admit(admission(limits="3/60"))


def test_where_a_caller_stands(ledger, clock, admission):
    """What remains of each limit, and when there is more, is true."""
    ledger.admit(admission(limits="3/60 9/3600"))
    clock.advance(20)
    minute, hour = ledger.admit(admission(limits="3/60 9/3600")).quotas

    assert (minute.remaining, minute.reset) == (1, 40)
    assert (hour.remaining, hour.reset) == (7, 3580)


def test_a_refused_request(engine, ledger, admission):
    """It leaves no event and costs nothing."""
    for _ in range(3):
        ledger.admit(admission(limits="3/60", budget=10_000))
    for _ in range(5):
        with pytest.raises(RateLimited):
            ledger.admit(admission(limits="3/60", budget=10_000))

    assert len(rows(engine, events)) == len(rows(engine, charges)) == 3
    assert len(rows(engine, leases)) == 3
    assert spent(engine) == 900


def test_several_limits(ledger, clock, admission):
    """All hold at once; the answer waits for the one that is used up."""
    for pause in (0, 1, 60):
        clock.advance(pause)
        ledger.admit(admission(limits="2/60 3/3600"))

    clock.advance(60)
    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission(limits="2/60 3/3600"))
    assert refused.value.retry_after == 3600 - 121


def test_several_limits_used_up_at_once(ledger, clock, admission):
    """Waiting as told suffices: it is for the last of them that one waits."""
    for _ in range(2):
        ledger.admit(admission(limits="2/60 2/3600"))

    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission(limits="2/60 2/3600"))
    assert refused.value.retry_after == 3600
    assert [quota.limit.seconds for quota in refused.value.quotas] == [60, 3600]
    clock.advance(refused.value.retry_after)
    ledger.admit(admission(limits="2/60 2/3600"))


def test_a_narrow_window_beside_a_wide_one(engine, ledger, admission):
    """Where the narrow one refuses, the wide one is not charged."""
    wide, narrow = Window("user", "wide", (Limit(3, 60),)), Window("own", "narrow", (Limit(1, 60),))
    ledger.admit(admission(windows=(wide, narrow)))
    with pytest.raises(RateLimited):
        ledger.admit(admission(windows=(wide, narrow)))

    assert len(rows(engine, charges)) == 2


def test_attempts(ledger):
    """They are counted apart from grants, by their own keys."""
    limits = (Limit(1, 60),)
    ledger.charge_attempt(Window("login", "alice", limits))
    ledger.charge_attempt(Window("login", "bob", limits))
    with pytest.raises(RateLimited):
        ledger.charge_attempt(Window("login", "alice", limits))


def test_an_attempt_that_is_forgiven(ledger):
    """It is as if it had not been, and no other with it."""
    window = Window("login", "alice", (Limit(2, 60),))
    ledger.charge_attempt(window)
    ledger.forgive_attempt(ledger.charge_attempt(window))
    ledger.charge_attempt(window)
    with pytest.raises(RateLimited):
        ledger.charge_attempt(window)


def test_old_rows(engine, ledger, clock, admission):
    """They are swept as new ones come, so that no table grows without end."""
    for number in range(20):
        ledger.admit(admission(f"visitor-{number}", limits="9/60"))
    clock.advance(2 * 86_400)
    for number in range(3):
        ledger.admit(admission(f"latecomer-{number}", limits="9/60"))

    assert len(rows(engine, charges)) == len(rows(engine, leases)) == 3


def test_a_budget(engine, ledger, clock, admission):
    """The last grant is as long as what is left, and what is left is never overdrawn."""
    ledger.admit(admission(budget=650))
    ledger.admit(admission(budget=650))
    last = ledger.admit(admission(budget=650))

    assert last.expires_at == clock() + timedelta(seconds=50)
    assert spent(engine) == 650
    with pytest.raises(BudgetSpent) as refused:
        ledger.admit(admission(budget=650))
    assert refused.value.retry_after == 3600

    clock.advance(refused.value.retry_after)
    ledger.admit(admission(budget=650))


def test_a_budget_with_a_few_seconds_left(engine, ledger, admission):
    """Under half a minute is no conversation; it stays in the budget."""
    ledger.admit(admission(budget=329))

    with pytest.raises(BudgetSpent):
        ledger.admit(admission(budget=329))
    assert spent(engine) == 300


def test_a_block(engine, ledger, clock, admission):
    """It is in force at the next mint, until it is lifted or over."""
    blocks = Blocks(engine, clock)
    asked = admission(blocks=("everyone", "alice"))
    ledger.admit(asked)

    blocks.put("alice", None)
    with pytest.raises(Blocked) as refused:
        ledger.admit(asked)
    assert refused.value.retry_after is None

    blocks.put("alice", clock() + timedelta(hours=2))
    with pytest.raises(Blocked) as refused:
        ledger.admit(asked)
    assert refused.value.retry_after == 7200
    assert [block.key for block in blocks.in_force()] == ["alice"]

    blocks.put("everyone", clock() + timedelta(hours=1))
    with pytest.raises(Blocked) as refused:
        ledger.admit(asked)
    assert refused.value.retry_after == 7200
    blocks.put("everyone", None)
    with pytest.raises(Blocked) as refused:
        ledger.admit(asked)
    assert refused.value.retry_after is None
    blocks.lift("everyone")

    clock.advance(7200)
    assert blocks.in_force() == []
    ledger.admit(admission(blocks=("everyone", "alice")))
    assert blocks.lift("alice")
    assert not blocks.lift("alice")


def test_two_workers(engine, database_url, clock, admission):
    """Engines of their own admit exactly the limit, the places and the budget between them."""
    engines = [engine, open_engine(database_url)]
    asked = [
        [admission(limits="25/60", budget=3100, wanted=100, places=40) for _ in range(10)]
        for _ in range(8)
    ]
    start, granted = Barrier(8), []

    def ask(ledger, admissions):
        start.wait()
        for each in admissions:
            try:
                granted.append(ledger.admit(each))
            except RateLimited:
                return

    threads = [
        Thread(target=ask, args=(Ledger(engines[number % 2], clock), asked[number]))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(granted) == len({reservation.id for reservation in granted}) == 25
    assert spent(engine) == 2500
    engines[1].dispose()


def test_two_workers_and_one_budget(engine, database_url, clock, admission):
    """It is spent to the last second and not beyond."""
    engines = [engine, open_engine(database_url)]
    asked = [[admission(budget=1030, wanted=100) for _ in range(4)] for _ in range(8)]
    start, granted = Barrier(8), []

    def ask(ledger, admissions):
        start.wait()
        for each in admissions:
            try:
                granted.append(ledger.admit(each))
            except BudgetSpent:
                return

    threads = [
        Thread(target=ask, args=(Ledger(engines[number % 2], clock), asked[number]))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(reservation.seconds for reservation in granted) == [30, *[100] * 10]
    assert spent(engine) == 1030
    engines[1].dispose()


def test_a_store_that_cannot_be_written(engine, ledger, admission):
    """Nothing is admitted, and the refusal repeats no value: no audit, no token."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE events"))

    with pytest.raises(TemporarilyUnavailable) as refused:
        ledger.admit(admission("canary", limits="9/60"))
    assert "canary" not in f"{refused.value!r} {refused.value.__cause__}"
    assert rows(engine, charges) == []

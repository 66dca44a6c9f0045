import threading
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from tokensvc.domain import Budget, EphemeralToken, Limit, Window
from tokensvc.errors import (
    Blocked,
    BudgetSpent,
    RateLimited,
    TemporarilyUnavailable,
    TooManyAtOnce,
)
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_engine
from tokensvc.store.ledger import Ledger
from tokensvc.store.schema import charges, events, leases, spending, tokens
from tokensvc.store.sweeping import Sweeper


def rows(engine, table):
    with engine.begin() as connection:
        order = table.c.id if "id" in table.c else table.c.key
        return connection.execute(select(table).order_by(order)).all()


def spent(engine):
    return sum(row.seconds for row in rows(engine, spending))


def token(reservation):
    return EphemeralToken("auth_tokens/canary", reservation.expires_at, reservation.expires_at)


def test_grant_is_recorded_as_reserved_then_granted_with_fingerprint(engine, ledger, clock, admission):
    reservation = ledger.admit(admission())
    clock.advance(1)
    ledger.grant(reservation, token(reservation))

    reserved, granted = rows(engine, events)
    assert (reserved.kind, granted.kind) == ("reserved", "granted")
    assert reserved.reservation_id == granted.reservation_id == reservation.id
    assert granted.at - reserved.at == 1_000_000
    assert granted.fingerprint == token(reservation).fingerprint
    assert granted.expires_at - reserved.at == 300_000_000
    assert (granted.issuer, granted.subject) == ("https://shop.example", "alice")


def test_refund_removes_the_charge_and_records_the_reason(engine, ledger, admission):
    request = admission(limits="1/60", places=1, budget=300)
    ledger.refund(ledger.admit(request), "upstream-timeout")

    assert [(event.kind, event.code) for event in rows(engine, events)] == [
        ("reserved", None),
        ("refunded", "upstream-timeout"),
    ]
    assert rows(engine, charges) == rows(engine, leases) == []
    assert spent(engine) == 0
    ledger.admit(admission(limits="1/60", places=1, budget=300))


def test_events_cannot_be_changed(engine, ledger, admission):
    ledger.admit(admission())

    with (
        pytest.raises(SQLAlchemyError, match="appended, never changed"),
        engine.begin() as connection,
    ):
        connection.execute(text("UPDATE events SET subject = 'mallory'"))


def test_sliding_window_admits_exactly_the_limit(ledger, clock, admission):
    """Waiting for the stated time is enough to be admitted again."""
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


def test_quotas_give_the_remaining_count_and_the_reset_time(ledger, clock, admission):
    ledger.admit(admission(limits="3/60 9/3600"))
    clock.advance(20)
    minute, hour = ledger.admit(admission(limits="3/60 9/3600")).quotas

    assert (minute.remaining, minute.reset) == (1, 40)
    assert (hour.remaining, hour.reset) == (7, 3580)


def test_refused_request_records_and_costs_nothing(engine, ledger, admission):
    for _ in range(3):
        ledger.admit(admission(limits="3/60", budget=10_000))
    for _ in range(5):
        with pytest.raises(RateLimited):
            ledger.admit(admission(limits="3/60", budget=10_000))

    assert len(rows(engine, events)) == len(rows(engine, charges)) == 3
    assert len(rows(engine, leases)) == 3
    assert spent(engine) == 900


def test_all_limits_apply_and_retry_after_is_that_of_the_used_up_one(ledger, clock, admission):
    for pause in (0, 1, 60):
        clock.advance(pause)
        ledger.admit(admission(limits="2/60 3/3600"))

    clock.advance(60)
    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission(limits="2/60 3/3600"))
    assert refused.value.retry_after == 3600 - 121


def test_retry_after_is_the_longest_of_several_used_up_limits(ledger, clock, admission):
    for _ in range(2):
        ledger.admit(admission(limits="2/60 2/3600"))

    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission(limits="2/60 2/3600"))
    assert refused.value.retry_after == 3600
    assert [quota.limit.seconds for quota in refused.value.quotas] == [60, 3600]
    clock.advance(refused.value.retry_after)
    ledger.admit(admission(limits="2/60 2/3600"))


def test_request_refused_by_one_window_is_not_charged_to_another(engine, ledger, admission):
    wide, narrow = Window("user", "wide", (Limit(3, 60),)), Window("own", "narrow", (Limit(1, 60),))
    ledger.admit(admission(windows=(wide, narrow)))
    with pytest.raises(RateLimited):
        ledger.admit(admission(windows=(wide, narrow)))

    assert len(rows(engine, charges)) == 2


def test_attempts_are_limited_per_key(ledger):
    limits = (Limit(1, 60),)
    ledger.charge_attempt(Window("login", "alice", limits))
    ledger.charge_attempt(Window("login", "bob", limits))
    with pytest.raises(RateLimited):
        ledger.charge_attempt(Window("login", "alice", limits))


def test_forgiven_attempt_does_not_count(ledger):
    window = Window("login", "alice", (Limit(2, 60),))
    ledger.charge_attempt(window)
    ledger.forgive_attempt(ledger.charge_attempt(window))
    ledger.charge_attempt(window)
    with pytest.raises(RateLimited):
        ledger.charge_attempt(window)


def test_sweep_removes_outdated_rows_and_no_others(engine, ledger, clock, admission):
    for number in range(20):
        reservation = ledger.admit(admission(f"visitor-{number}", limits="9/60"))
        ledger.grant(reservation, token(reservation))
    clock.advance(2 * 86_400)
    for number in range(3):
        ledger.admit(admission(f"latecomer-{number}", limits="9/60"))

    assert Sweeper(engine, clock).sweep() == 20 * 3
    assert len(rows(engine, charges)) == len(rows(engine, leases)) == len(rows(engine, tokens)) == 3


def test_store_in_use_is_swept_three_times_a_minute(engine, clock, admission):
    now = 0.0
    ledger = Ledger(engine, clock, steady=lambda: now)
    ledger.admit(admission("visitor"))
    clock.advance(2 * 86_400)
    now += 19
    ledger.admit(admission("latecomer"))
    assert len(rows(engine, leases)) == 2
    now += 1
    ledger.admit(admission("another"))
    for thread in threading.enumerate():
        if thread.name == "sweeper":
            thread.join(10)
    assert len(rows(engine, leases)) == 2


def test_last_grant_is_shortened_to_the_rest_of_the_budget(engine, ledger, clock, admission):
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


def test_less_than_half_a_minute_of_budget_is_refused_and_kept(engine, ledger, admission):
    ledger.admit(admission(budget=329))

    with pytest.raises(BudgetSpent):
        ledger.admit(admission(budget=329))
    assert spent(engine) == 300


def test_block_refuses_until_it_is_lifted_or_expires(engine, ledger, clock, admission):
    blocks = Blocks(engine, clock)
    request = admission(blocks=("everyone", "alice"))
    ledger.admit(request)

    blocks.put("alice", None)
    with pytest.raises(Blocked) as refused:
        ledger.admit(request)
    assert refused.value.retry_after is None

    blocks.put("alice", clock() + timedelta(hours=2))
    with pytest.raises(Blocked) as refused:
        ledger.admit(request)
    assert refused.value.retry_after == 7200
    assert [block.key for block in blocks.in_force()] == ["alice"]

    blocks.put("everyone", clock() + timedelta(hours=1))
    with pytest.raises(Blocked) as refused:
        ledger.admit(request)
    assert refused.value.retry_after == 7200
    blocks.put("everyone", None)
    with pytest.raises(Blocked) as refused:
        ledger.admit(request)
    assert refused.value.retry_after is None
    blocks.lift("everyone")

    clock.advance(7200)
    assert blocks.in_force() == []
    ledger.admit(admission(blocks=("everyone", "alice")))
    assert blocks.lift("alice")
    assert not blocks.lift("alice")


def admit_with_two_workers(engine, database_url, clock, requests):
    """Admit each list of requests in its thread, up to a refusal; return all reservations."""
    engines = [engine, open_engine(database_url)]
    start, granted = Barrier(len(requests)), []

    def admit_all(ledger, admissions):
        start.wait()
        for each in admissions:
            try:
                granted.append(ledger.admit(each))
            except (RateLimited, BudgetSpent, TooManyAtOnce):
                return

    threads = [
        Thread(target=admit_all, args=(Ledger(engines[number % 2], clock), each))
        for number, each in enumerate(requests)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engines[1].dispose()
    return granted


@pytest.mark.parametrize("limited", [{"limits": "25/60"}, {"places": 25}], ids=["limit", "places"])
def test_two_workers_admit_exactly_as_many_as_allowed_between_them(engine, database_url, clock, admission, limited):
    requests = [[admission(wanted=100, **limited) for _ in range(10)] for _ in range(8)]
    granted = admit_with_two_workers(engine, database_url, clock, requests)

    assert len(granted) == len({reservation.id for reservation in granted}) == 25
    assert len(rows(engine, events)) == 25


def test_two_workers_spend_exactly_the_budget_between_them(engine, database_url, clock, admission):
    requests = [[admission(budget=1030, wanted=100) for _ in range(4)] for _ in range(8)]
    granted = admit_with_two_workers(engine, database_url, clock, requests)

    assert sorted(reservation.seconds for reservation in granted) == [30, *[100] * 10]
    assert spent(engine) == 1030


def test_failing_store_admits_nothing_and_its_error_repeats_no_value(engine, ledger, admission):
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE events RENAME TO lost"))

    with pytest.raises(TemporarilyUnavailable) as refused:
        ledger.admit(admission("canary", limits="9/60"))
    with engine.begin() as connection:  # the next test uses this database too
        connection.execute(text("ALTER TABLE lost RENAME TO events"))
    assert "canary" not in f"{refused.value!r} {refused.value.__cause__}"
    assert rows(engine, charges) == []


def test_limit_that_only_records_logs_what_it_would_refuse_and_admits(ledger, admission, caplog):
    recording = Window("user", "alice", (Limit(1, 60),), records=True)
    for _ in range(2):
        quotas = ledger.admit(admission(windows=(recording,))).quotas

    assert quotas == ()  # a caller is told of what is in force
    assert [record.getMessage() for record in caplog.records] == [
        "limit would refuse name=user limit=1 in 60 s key=alice"
    ]
    with pytest.raises(RateLimited):  # what was recorded counts once the limit is in force
        ledger.admit(admission(limits="1/60"))


def test_budget_that_only_records_logs_what_it_would_refuse_and_grants_the_whole(ledger, admission, caplog):
    recording = Budget("user", "alice", 400, records=True)
    seconds = [ledger.admit(admission(budgets=(recording,))).seconds for _ in range(3)]

    assert seconds == [300, 300, 300]
    assert [record.getMessage() for record in caplog.records] == ["budget would refuse name=user seconds=400 key=alice"]

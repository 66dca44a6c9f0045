from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from store.conftest import admission
from tokensvc.domain import EphemeralToken, Limit, Principal
from tokensvc.errors import RateLimited, TemporarilyUnavailable
from tokensvc.store.engine import open_engine, upgrade
from tokensvc.store.ledger import Ledger, network_of
from tokensvc.store.schema import charges, events


def rows(engine, table):
    with engine.begin() as connection:
        return connection.execute(select(table)).all()


def token(clock):
    return EphemeralToken(
        "auth_tokens/canary", clock() + timedelta(minutes=5), clock() + timedelta(minutes=1)
    )


def test_a_grant(engine, ledger, clock):
    """It is two events: reserved before the mint, and granted with the fingerprint after it."""
    asked = admission()
    reservation = ledger.admit(asked)
    clock.advance(1)
    ledger.grant(reservation, asked, token(clock))

    reserved, granted = rows(engine, events)
    assert (reserved.kind, granted.kind) == ("reserved", "granted")
    assert reserved.reservation_id == granted.reservation_id == reservation.id
    assert granted.at - reserved.at == 1_000_000
    assert granted.fingerprint == token(clock).fingerprint
    assert granted.expires_at - granted.at == 300_000_000
    assert (granted.issuer, granted.subject) == ("https://shop.example", "alice")


def test_a_refund(engine, ledger):
    """The charge is gone, and the two events say why."""
    asked = admission(limits="1/60")
    ledger.refund(ledger.admit(asked), asked, "upstream-timeout")

    assert [(event.kind, event.code) for event in rows(engine, events)] == [
        ("reserved", None),
        ("refunded", "upstream-timeout"),
    ]
    assert rows(engine, charges) == []
    ledger.admit(asked)


def test_an_event(engine, ledger):
    """It is never changed, whoever tries."""
    ledger.admit(admission())

    with (
        pytest.raises(SQLAlchemyError, match="appended, never changed"),
        engine.begin() as connection,
    ):
        connection.execute(text("UPDATE events SET subject = 'mallory'"))


def test_a_window_that_slides(ledger, clock):
    """No stretch of the window's length holds more than the limit, and waiting as told suffices."""
    for _ in range(3):
        ledger.admit(admission())
        clock.advance(10)

    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission())
    assert refused.value.retry_after == 30

    clock.advance(refused.value.retry_after - 0.001)
    with pytest.raises(RateLimited):
        ledger.admit(admission())
    clock.advance(0.001)
    ledger.admit(admission())
    with pytest.raises(RateLimited):
        ledger.admit(admission())


def test_a_refused_request(engine, ledger):
    """It leaves no event and costs nothing."""
    for _ in range(3):
        ledger.admit(admission())
    for _ in range(5):
        with pytest.raises(RateLimited):
            ledger.admit(admission())

    assert len(rows(engine, events)) == len(rows(engine, charges)) == 3


def test_several_limits(ledger, clock):
    """All hold at once; the answer waits for the one that is used up."""
    asked = admission(limits="2/60 3/3600")
    for pause in (0, 1, 60):
        clock.advance(pause)
        ledger.admit(asked)

    clock.advance(60)
    with pytest.raises(RateLimited) as refused:
        ledger.admit(asked)
    assert refused.value.retry_after == 3600 - 121


def test_a_profiles_own_limit(ledger):
    """It counts that profile alone, and refuses without charging the general limit."""
    support = admission(limits="3/60", profile_limits="1/60", profile="support")
    ledger.admit(support)
    with pytest.raises(RateLimited):
        ledger.admit(support)

    ledger.admit(admission(limits="3/60"))
    ledger.admit(admission(limits="3/60"))
    with pytest.raises(RateLimited):
        ledger.admit(admission(limits="3/60"))


def test_two_people(ledger):
    """The same subject of two issuers is two people, whatever their names hold."""
    tricky = [("a", 'b", "c'), ('a", "b', "c"), ("a", "b"), ("b", "b")]
    for issuer, subject in tricky:
        person = Principal("user", issuer, subject)
        ledger.admit(admission(principal=person, limits="1/60"))


def test_guests(ledger):
    """They are counted by address, whatever they call themselves."""
    ledger.admit(admission(None, limits="1/60", address="2001:db8:1:2::1"))
    with pytest.raises(RateLimited):
        ledger.admit(admission(None, limits="1/60", address="2001:db8:1:2:ffff::9"))
    ledger.admit(admission(None, limits="1/60", address="2001:db8:1:3::1"))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::/64"),
    ],
)
def test_what_counts_as_one_address(address, expected):
    """One IPv6 customer has a /64; an IPv4 address is one however it is written."""
    assert network_of(address) == expected


def test_attempts(ledger):
    """They are counted by name and parts, apart from grants."""
    limits = (Limit(1, 60),)
    ledger.charge_attempt("login", "192.0.2.1", "alice", limits=limits)
    ledger.charge_attempt("login", "192.0.2.1", "bob", limits=limits)
    with pytest.raises(RateLimited):
        ledger.charge_attempt("login", "192.0.2.1", "alice", limits=limits)


def test_old_charges(engine, ledger, clock):
    """They are swept as new ones come, so that the table does not grow without end."""
    for number in range(20):
        ledger.admit(admission(f"visitor-{number}"))
    clock.advance(86_400)
    for number in range(3):
        ledger.admit(admission(f"latecomer-{number}"))

    assert len(rows(engine, charges)) == 3


def test_two_processes(engine, clock):
    """Engines of their own, as two workers have, admit exactly the limit between them."""
    engines = [engine, open_engine(str(engine.url))]
    upgrade(engines[1])
    start, granted = Barrier(8), []

    def ask(ledger):
        start.wait()
        for _ in range(10):
            try:
                granted.append(ledger.admit(admission(limits="25/60")))
            except RateLimited:
                return

    threads = [Thread(target=ask, args=(Ledger(e, clock),)) for e in engines for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engines[1].dispose()

    assert len(granted) == len({reservation.id for reservation in granted}) == 25


def test_a_store_that_cannot_be_written(engine, ledger):
    """Nothing is admitted: no audit, no token."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE events"))

    with pytest.raises(TemporarilyUnavailable):
        ledger.admit(admission())
    assert rows(engine, charges) == []


def test_an_error_of_the_store(engine, ledger):
    """It repeats no value that was to be written."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE events"))

    with pytest.raises(TemporarilyUnavailable) as refused:
        ledger.admit(admission("canary"))
    assert "canary" not in f"{refused.value!r} {refused.value.__cause__}"

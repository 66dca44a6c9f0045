from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from sqlalchemy import func, select, text

from tokensvc.domain import Account
from tokensvc.errors import LoginOver, WrongPassword
from tokensvc.signing_in import LoginService
from tokensvc.store import times
from tokensvc.store.accounts import Accounts
from tokensvc.store.logins import GRACE, IDLE, LONGEST, Logins
from tokensvc.store.schema import logins as table
from tokensvc.store.times import SECOND

DAY = 86400
ALICE = Account("alice", "hash one", frozenset({"support"}))


class StubDependencies:
    """Accepts any password of a known account, any number of times."""

    def __init__(self, accounts):
        self.accounts = accounts

    def place(self):
        return nullcontext()

    def verify(self, username, _password):
        return self.accounts.find(username)

    def charge_attempt(self, *windows):
        assert all(window.limits for window in windows)
        return "attempt"

    def forgive_attempt(self, attempt):
        assert attempt == "attempt"

    def sign(self, account):
        return f"token of {account.username} in {' '.join(sorted(account.groups))}"


@pytest.fixture(name="accounts")
def _accounts(engine):
    accounts = Accounts(engine)
    accounts.add(ALICE)
    accounts.add(Account("bob", "hash two"))
    return accounts


@pytest.fixture(name="service")
def _service(engine, clock, accounts):
    dependencies = StubDependencies(accounts)
    return LoginService(dependencies, dependencies, dependencies, Logins(engine, clock), b"key")


def sign_in(service, username="alice"):
    return service.sign_in(username, "password", "192.0.2.1")


def rows(engine):
    with engine.begin() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar()


def test_refresh_gives_a_new_token_and_a_new_cookie(service):
    first = sign_in(service)
    second = service.refresh(first.cookie, "192.0.2.1")

    assert second.access_token == "token of alice in support"
    assert second.cookie != first.cookie
    assert service.refresh(second.cookie, "192.0.2.1").cookie


@pytest.mark.parametrize("cookie", [None, "", "made up", "a" * 10_000, "\ud800"])
def test_missing_or_unknown_cookie_is_refused(service, cookie):
    with pytest.raises(LoginOver):
        service.refresh(cookie, "192.0.2.1")


def test_replaced_cookie_is_valid_for_a_grace_period(service, clock):
    """A lost response leaves the browser with the old cookie."""
    first = sign_in(service)
    second = service.refresh(first.cookie, "192.0.2.1")
    clock.advance(GRACE / SECOND)
    again = service.refresh(first.cookie, "192.0.2.1")

    assert again.cookie == second.cookie
    assert again.cookie_life == second.cookie_life - GRACE / SECOND


def test_parallel_refreshes_all_get_the_same_cookie(service, engine):
    cookie = sign_in(service).cookie
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: service.refresh(cookie, "192.0.2.1").cookie, range(20)))

    assert len(set(found)) == 1
    assert rows(engine) == 2


def test_cookie_copied_and_used_within_the_grace_period_ends_the_login_at_the_next_refresh(service, clock):
    """Both get the same next cookie, so the second of them to use it is too late."""
    stolen = sign_in(service).cookie
    owner = service.refresh(stolen, "192.0.2.1")
    thief = service.refresh(stolen, "192.0.2.2")
    clock.advance(900)
    owner = service.refresh(owner.cookie, "192.0.2.1")
    clock.advance(900)

    for cookie in (thief.cookie, owner.cookie):
        with pytest.raises(LoginOver):
            service.refresh(cookie, "192.0.2.2")


def test_login_and_replaced_cookie_of_a_clock_that_was_ahead_are_over(service, clock):
    kept, replaced = sign_in(service), sign_in(service)
    clock.advance(3 * DAY)
    late = sign_in(service)
    service.refresh(replaced.cookie, "192.0.2.1")
    clock.advance(-3 * DAY)

    assert service.refresh(kept.cookie, "192.0.2.1")
    for cookie in (replaced.cookie, late.cookie):
        with pytest.raises(LoginOver):
            service.refresh(cookie, "192.0.2.1")


def test_replaced_cookie_after_the_grace_period_ends_the_login(service, clock):
    """Reuse of a replaced cookie means that it was copied, so the login ends for both users."""
    first = sign_in(service)
    other = sign_in(service)
    second = service.refresh(first.cookie, "192.0.2.1")
    clock.advance(GRACE / SECOND + 1)

    with pytest.raises(LoginOver):
        service.refresh(first.cookie, "192.0.2.1")
    with pytest.raises(LoginOver):
        service.refresh(second.cookie, "192.0.2.1")
    assert service.refresh(other.cookie, "192.0.2.1")


def test_unused_login_expires_after_a_week(service, clock):
    first, second = sign_in(service), sign_in(service)
    clock.advance(IDLE / SECOND - 1)
    assert service.refresh(first.cookie, "192.0.2.1")
    clock.advance(1)

    with pytest.raises(LoginOver):
        service.refresh(second.cookie, "192.0.2.1")


def test_login_expires_after_thirty_days_however_often_it_is_used(service, clock):
    signed_in = sign_in(service)
    lives = []
    for _ in range(LONGEST // times.DAY - 1):
        clock.advance(DAY)
        signed_in = service.refresh(signed_in.cookie, "192.0.2.1")
        lives.append(signed_in.cookie_life)
    assert lives[0] == IDLE / SECOND
    assert lives[-1] == DAY
    clock.advance(DAY)

    with pytest.raises(LoginOver):
        service.refresh(signed_in.cookie, "192.0.2.1")


def test_sign_out_ends_only_that_login_for_all_its_cookies(service):
    first, other = sign_in(service), sign_in(service)
    second = service.refresh(first.cookie, "192.0.2.1")
    service.sign_out(first.cookie)

    for cookie in (first.cookie, second.cookie):
        with pytest.raises(LoginOver):
            service.refresh(cookie, "192.0.2.1")
    assert service.refresh(other.cookie, "192.0.2.1")
    service.sign_out(None)
    service.sign_out("made up")


@pytest.mark.parametrize(
    "change",
    [lambda accounts: accounts.remove("alice"), lambda a: a.set_password_hash("alice", "new")],
    ids=["removed", "another password"],
)
def test_changed_or_removed_account_loses_all_its_logins_and_no_others(service, accounts, change):
    alices, bobs = [sign_in(service) for _ in range(2)], sign_in(service, "bob")
    change(accounts)

    for signed_in in alices:
        with pytest.raises(LoginOver):
            service.refresh(signed_in.cookie, "192.0.2.1")
    assert service.refresh(bobs.cookie, "192.0.2.1")


def test_login_verified_with_an_old_password_does_not_start(engine, clock, accounts):
    verified = accounts.find("alice")
    accounts.set_password_hash("alice", "new")

    assert Logins(engine, clock).begin(verified, "a" * 64) is None


def test_account_removed_during_sign_in_is_a_wrong_password(engine, clock, accounts):
    class Slow(StubDependencies):
        def verify(self, username, password):
            account = super().verify(username, password)
            accounts.remove(username)
            return account

    dependencies = Slow(accounts)
    with pytest.raises(WrongPassword):
        sign_in(LoginService(dependencies, dependencies, dependencies, Logins(engine, clock), b"key"))


def test_store_holds_no_cookie(service, engine):
    cookie = sign_in(service).cookie
    with engine.begin() as connection:
        assert cookie not in str(connection.execute(text("SELECT * FROM logins")).all())


def test_rows_of_expired_logins_and_replaced_cookies_are_removed(service, clock, engine):
    signed_in, most = sign_in(service), 0
    for number in range(1500):
        clock.advance(DAY / 24)
        if number % 500 == 499:
            signed_in = sign_in(service)
        signed_in = service.refresh(signed_in.cookie, "192.0.2.1")
        most = max(most, rows(engine))

    assert most < 60

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


class Doors:
    """Lets everybody in who says the right name, any number of times."""

    def __init__(self, accounts):
        self.accounts = accounts

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
    doors = Doors(accounts)
    return LoginService(doors, doors, doors, Logins(engine, clock))


def sign_in(service, username="alice"):
    return service.sign_in(username, "password", "192.0.2.1")


def rows(engine):
    with engine.begin() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar()


def test_going_on(service):
    """Each visit gives a new access JWT and the next cookie; the groups are those of now."""
    first = sign_in(service)
    second = service.refresh(first.cookie, "192.0.2.1")

    assert second.access_token == "token of alice in support"
    assert second.cookie != first.cookie
    assert service.refresh(second.cookie, "192.0.2.1").cookie


@pytest.mark.parametrize("cookie", [None, "", "made up", "a" * 10_000, "\ud800"])
def test_a_cookie_that_is_none(service, cookie):
    """Nobody is signed in by it."""
    with pytest.raises(LoginOver):
        service.refresh(cookie, "192.0.2.1")


def test_an_answer_that_was_lost(service, clock):
    """The cookie before is good for another minute: the browser has no other."""
    first = sign_in(service)
    service.refresh(first.cookie, "192.0.2.1")
    clock.advance(GRACE / SECOND)

    assert service.refresh(first.cookie, "192.0.2.1").cookie


def test_a_cookie_that_was_copied(service, clock):
    """Whoever comes with a cookie that was replaced ends the login, for the thief as well."""
    first = sign_in(service)
    other = sign_in(service)
    second = service.refresh(first.cookie, "192.0.2.1")
    clock.advance(GRACE / SECOND + 1)

    with pytest.raises(LoginOver):
        service.refresh(first.cookie, "192.0.2.1")
    with pytest.raises(LoginOver):
        service.refresh(second.cookie, "192.0.2.1")
    assert service.refresh(other.cookie, "192.0.2.1")


def test_a_week_away(service, clock):
    """A login that nobody uses is over after a week."""
    first, second = sign_in(service), sign_in(service)
    clock.advance(IDLE / SECOND - 1)
    assert service.refresh(first.cookie, "192.0.2.1")
    clock.advance(1)

    with pytest.raises(LoginOver):
        service.refresh(second.cookie, "192.0.2.1")


def test_a_month_of_visits(service, clock):
    """However often somebody comes, the password is asked for after thirty days."""
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


def test_signing_out(service):
    """That login is over, by every cookie it had; others are not."""
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
def test_an_account_that_changes(service, accounts, change):
    """Its logins are over at once, everybody else's go on."""
    alices, bobs = [sign_in(service) for _ in range(2)], sign_in(service, "bob")
    change(accounts)

    for signed_in in alices:
        with pytest.raises(LoginOver):
            service.refresh(signed_in.cookie, "192.0.2.1")
    assert service.refresh(bobs.cookie, "192.0.2.1")


def test_a_password_that_changes_while_somebody_signs_in(engine, clock, accounts):
    """What was verified by the old one begins no login."""
    verified = accounts.find("alice")
    accounts.set_password_hash("alice", "new")

    assert Logins(engine, clock).begin(verified, "a" * 64) is None


def test_an_account_removed_while_somebody_signs_in(engine, clock, accounts):
    """Likewise, and the answer is that of a wrong password."""

    class Slow(Doors):
        def verify(self, username, password):
            account = super().verify(username, password)
            accounts.remove(username)
            return account

    doors = Slow(accounts)
    with pytest.raises(WrongPassword):
        sign_in(LoginService(doors, doors, doors, Logins(engine, clock)))


def test_what_is_kept(service, engine):
    """No cookie: whoever reads the store signs in nowhere."""
    cookie = sign_in(service).cookie
    with engine.begin() as connection:
        assert cookie not in str(connection.execute(text("SELECT * FROM logins")).all())


def test_years_of_visits(service, clock, engine):
    """What is over is swept: the table holds what is in use, and a day of replaced cookies."""
    signed_in, most = sign_in(service), 0
    for number in range(1500):
        clock.advance(DAY / 24)
        if number % 500 == 499:
            signed_in = sign_in(service)
        signed_in = service.refresh(signed_in.cookie, "192.0.2.1")
        most = max(most, rows(engine))

    assert most < 60

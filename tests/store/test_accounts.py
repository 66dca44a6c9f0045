import pytest

from tokensvc.authn.passwords import PasswordVerifier, hash_password
from tokensvc.domain import Account
from tokensvc.errors import RateLimited, WrongPassword
from tokensvc.signing_in import LoginService
from tokensvc.store.accounts import Accounts
from tokensvc.store.logins import Logins

PASSWORD = "correct horse battery"


@pytest.fixture(name="accounts")
def _accounts(engine):
    accounts = Accounts(engine)
    accounts.add(Account("alice", hash_password(PASSWORD), frozenset({"support", "sales"})))
    return accounts


class Signer:
    """Says whose token it would be."""

    def sign(self, account):
        return f"token of {account.username}"


@pytest.fixture(name="login")
def _login(accounts, ledger, engine, clock):
    return LoginService(PasswordVerifier(accounts), ledger, Signer(), Logins(engine, clock))


def test_an_account(accounts):
    """It comes back as it was stored, and its hash shows in no repr."""
    alice = accounts.find("alice")

    assert alice.groups == {"support", "sales"}
    assert PASSWORD not in alice.password_hash
    assert alice.password_hash not in repr(alice)


def test_a_name_that_is_taken(accounts):
    """It is left as it is."""
    assert not accounts.add(Account("alice", "other"))
    assert accounts.find("alice").groups == {"support", "sales"}


def test_an_account_that_goes(accounts):
    """It is gone, and going twice changes nothing."""
    assert accounts.names() == ["alice"]
    assert accounts.remove("alice")
    assert not accounts.remove("alice")
    assert accounts.find("alice") is None
    assert not accounts.set_password_hash("alice", "x")


@pytest.mark.parametrize("username", ["", "alice\0", "\0", "a" * 1024, "' --", "🎤"])
def test_a_name_that_nobody_has(accounts, login, username):
    """It is nobody's on either engine, also where PostgreSQL could not hold such a text."""
    assert accounts.find(username) is None
    with pytest.raises(WrongPassword):
        login.sign_in(username, PASSWORD, "192.0.2.1")


@pytest.mark.parametrize("password", ["", "short", "a" * 1025])
def test_a_password_of_a_bad_length(password):
    """It is refused when it is set."""
    with pytest.raises(ValueError, match="12 to 1024 characters"):
        hash_password(password)


def test_the_right_password(login):
    """It signs in."""
    signed_in = login.sign_in("alice", PASSWORD, "192.0.2.1")

    assert signed_in.access_token == "token of alice"
    assert signed_in.cookie not in repr(signed_in)


@pytest.mark.parametrize(
    ("username", "password"), [("alice", PASSWORD + " "), ("bob", PASSWORD), ("ALICE", PASSWORD)]
)
def test_a_wrong_pair(login, username, password):
    """The refusal does not say which of the two was wrong."""
    with pytest.raises(WrongPassword) as refused:
        login.sign_in(username, password, "192.0.2.1")

    assert username not in refused.value.detail


def test_a_changed_password(login, accounts):
    """The old one is over at once."""
    accounts.set_password_hash("alice", hash_password("another long one"))

    assert login.sign_in("alice", "another long one", "192.0.2.1")
    with pytest.raises(WrongPassword):
        login.sign_in("alice", PASSWORD, "192.0.2.1")


def test_guessing(login):
    """It is slow at one account from one place; from elsewhere its owner signs in."""
    for _ in range(5):
        with pytest.raises(WrongPassword):
            login.sign_in("alice", "a wrong password", "192.0.2.1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", PASSWORD, "192.0.2.1")
    assert login.sign_in("alice", PASSWORD, "192.0.2.2")


def test_the_right_password_again_and_again(login):
    """It uses up nothing, and gives no guess back."""
    for _ in range(4):
        with pytest.raises(WrongPassword):
            login.sign_in("alice", "a wrong password", "192.0.2.1")
    for _ in range(7):
        login.sign_in("alice", PASSWORD, "192.0.2.1")
    with pytest.raises(WrongPassword):
        login.sign_in("alice", "another wrong one", "192.0.2.1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", PASSWORD, "192.0.2.1")


def test_one_place_for_many_people(login):
    """It has 20 wrong ones a minute, over all accounts."""
    for number in range(20):
        with pytest.raises(WrongPassword):
            login.sign_in(f"user-{number}", PASSWORD, "192.0.2.1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", PASSWORD, "192.0.2.1")


def test_work(engine, ledger, accounts, clock):
    """Each password that is checked costs a while: one place has 60 a minute, right or wrong."""

    class Known:
        def verify(self, username, _password):
            return accounts.find(username)

    login = LoginService(Known(), ledger, Signer(), Logins(engine, clock))
    for _ in range(60):
        login.sign_in("alice", PASSWORD, "192.0.2.1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", PASSWORD, "192.0.2.1")
    assert login.sign_in("alice", PASSWORD, "192.0.2.2")


def test_a_cookie_that_spins(login):
    """Each refresh is a row: of one place there are 60 a minute, with signing in."""
    cookie = login.sign_in("alice", PASSWORD, "192.0.2.1").cookie
    for _ in range(59):
        cookie = login.refresh(cookie, "192.0.2.1").cookie

    with pytest.raises(RateLimited):
        login.refresh(cookie, "192.0.2.1")
    assert login.refresh(cookie, "192.0.2.2")

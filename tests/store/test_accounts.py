import time
from contextlib import nullcontext

import pytest
from sqlalchemy import insert

from tokensvc.authn.passwords import PasswordVerifier, hash_password
from tokensvc.domain import Account
from tokensvc.errors import RateLimited, WrongPassword
from tokensvc.signing_in import LoginService
from tokensvc.store import schema
from tokensvc.store.accounts import Accounts
from tokensvc.store.logins import Logins

PASSWORD = "correct horse battery"
HASHED = hash_password(PASSWORD)  # once, because it takes a while


@pytest.fixture(name="accounts")
def _accounts(engine):
    accounts = Accounts(engine)
    accounts.add(Account("alice", HASHED, frozenset({"support", "sales"})))
    return accounts


class Signer:
    """Returns a readable token that names its account."""

    def sign(self, account):
        return f"token of {account.username}"


@pytest.fixture(name="login")
def _login(accounts, ledger, engine, clock):
    return LoginService(PasswordVerifier(accounts), ledger, Signer(), Logins(engine, clock), b"key")


def test_account_is_stored_with_groups_and_a_hash_hidden_from_repr(accounts):
    alice = accounts.find("alice")

    assert alice.groups == {"support", "sales"}
    assert PASSWORD not in alice.password_hash
    assert alice.password_hash not in repr(alice)


def test_adding_a_taken_name_changes_nothing(accounts):
    assert not accounts.add(Account("alice", "other"))
    assert accounts.find("alice").groups == {"support", "sales"}


def test_removed_account_is_gone_and_removing_it_again_changes_nothing(accounts):
    assert accounts.names() == ["alice"]
    assert accounts.remove("alice")
    assert not accounts.remove("alice")
    assert accounts.find("alice") is None
    assert not accounts.set_password_hash("alice", "x")


SPELLINGS = {
    "capitals": "ALICE",
    "full width": "".join(chr(ord(c) + 0xFEE0) for c in "alice"),
    "both": "".join(chr(ord(c) + 0xFEE0) for c in "Alice"),
}


@pytest.mark.parametrize("typed", SPELLINGS.values(), ids=SPELLINGS)
def test_name_in_any_spelling_is_the_same_account(accounts, login, typed):
    assert login.sign_in(typed, PASSWORD, "192.0.2.1").username == "alice"
    assert not accounts.add(Account(typed, "other"))
    assert accounts.set_password_hash(typed, "changed")
    assert accounts.find("alice").password_hash == "changed"
    assert accounts.remove(typed)
    assert accounts.names() == []


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("Zoë", "ZOE\u0308"),
        ("Straße", "STRASSE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("Юлия", "юлия"),
        ("ｶﾞ", "ガ"),
        ("Ada@Example.com", "ada@example.com"),
    ],
)
def test_account_keeps_its_own_spelling_and_is_found_by_another(accounts, stored, typed):
    assert accounts.add(Account(stored, "hash"))
    assert accounts.find(typed).username == stored


def test_name_that_only_looks_alike_is_another_account(accounts):
    assert accounts.find("аlice") is None  # noqa: RUF001 - the first letter is Cyrillic
    assert accounts.find("al1ce") is None
    assert accounts.find("alice ") is None
    assert accounts.find("ali\u200bce") is None


def test_names_that_collide_from_before_are_each_found_exactly_as_written(accounts, engine):
    with engine.begin() as connection:
        for name in ("Bob", "BOB"):
            row = {"username": name, "password_hash": name, "groups": ""}
            connection.execute(insert(schema.accounts).values(row))

    assert accounts.find("Bob").password_hash == "Bob"
    assert accounts.find("BOB").password_hash == "BOB"
    assert accounts.find("bob") is None
    assert not accounts.set_password_hash("bob", "changed")
    assert not accounts.remove("bOB")
    assert accounts.remove("BOB")
    assert accounts.find("bob").password_hash == "Bob"


def test_guesses_at_one_account_count_together_in_any_spelling(login):
    for typed in ("alice", "ALICE", "Alice", "aLICE", "alicE"):
        with pytest.raises(WrongPassword):
            login.sign_in(typed, "wrong", "192.0.2.1")
    with pytest.raises(RateLimited):
        login.sign_in("aLice", PASSWORD, "192.0.2.1")


@pytest.mark.parametrize("username", ["", "alice\0", "\0", "a" * 1024, "' --", "🎤"])
def test_unknown_name_is_a_wrong_password_on_both_engines(accounts, login, username):
    """Some of these names cannot be stored as text in PostgreSQL."""
    assert accounts.find(username) is None
    with pytest.raises(WrongPassword):
        login.sign_in(username, PASSWORD, "192.0.2.1")


def test_unknown_name_takes_as_much_work_as_a_wrong_password(accounts):
    """By the CPU time of this process, which other programs do not change."""
    verifier = PasswordVerifier(accounts)

    def work(name):
        began = time.process_time()
        assert verifier.verify(name, "a wrong password") is None
        return time.process_time() - began

    assert min(work("nobody") for _ in range(3)) > 0.5 * min(work("alice") for _ in range(3))


@pytest.mark.parametrize("password", ["", "short", "a" * 1025])
def test_password_outside_the_length_limits_is_refused(password):
    with pytest.raises(ValueError, match="12 to 1024 characters"):
        hash_password(password)


def test_right_password_signs_in(login):
    signed_in = login.sign_in("alice", PASSWORD, "192.0.2.1")

    assert signed_in.access_token == "token of alice"
    assert signed_in.cookie not in repr(signed_in)


@pytest.mark.parametrize(("username", "password"), [("alice", PASSWORD + " "), ("bob", PASSWORD), ("al ice", PASSWORD)])
def test_wrong_name_or_password_is_refused_without_repeating_the_name(login, username, password):
    with pytest.raises(WrongPassword) as refused:
        login.sign_in(username, password, "192.0.2.1")

    assert username not in refused.value.detail


def test_old_password_is_refused_after_a_change(login, accounts):
    accounts.set_password_hash("alice", hash_password("another long one"))

    assert login.sign_in("alice", "another long one", "192.0.2.1")
    with pytest.raises(WrongPassword):
        login.sign_in("alice", PASSWORD, "192.0.2.1")


def test_wrong_passwords_are_limited_per_account_and_address(login):
    for _ in range(5):
        with pytest.raises(WrongPassword):
            login.sign_in("alice", "a wrong password", "192.0.2.1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", PASSWORD, "192.0.2.1")
    assert login.sign_in("alice", PASSWORD, "192.0.2.2")


def test_right_password_neither_uses_nor_restores_attempts(login):
    for _ in range(4):
        with pytest.raises(WrongPassword):
            login.sign_in("alice", "a wrong password", "192.0.2.1")
    for _ in range(7):
        login.sign_in("alice", PASSWORD, "192.0.2.1")
    with pytest.raises(WrongPassword):
        login.sign_in("alice", "another wrong one", "192.0.2.1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", PASSWORD, "192.0.2.1")


def test_wrong_passwords_of_one_address_are_limited_over_all_accounts(login):
    for number in range(20):
        with pytest.raises(WrongPassword):
            login.sign_in(f"user-{number}", PASSWORD, "192.0.2.1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", PASSWORD, "192.0.2.1")


def test_wrong_passwords_from_the_networks_of_an_ipv6_customer_are_limited_together(login):
    """From a new /64 each time, four times as many as from one address."""
    for number in range(4 * 5):  # all in one /56
        with pytest.raises(WrongPassword):
            login.sign_in("alice", f"wrong password {number}", f"2001:db8:0:{number:x}::1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", "wrong password", "2001:db8:0:ff::1")


def test_password_checks_of_one_address_are_limited_even_if_right(engine, ledger, accounts, clock):
    """Each check costs CPU time, so an address has 60 a minute."""

    class Known:
        def place(self):
            return nullcontext()

        def verify(self, username, _password):
            return accounts.find(username)

    login = LoginService(Known(), ledger, Signer(), Logins(engine, clock), b"key")
    for _ in range(60):
        login.sign_in("alice", PASSWORD, "192.0.2.1")

    with pytest.raises(RateLimited):
        login.sign_in("alice", PASSWORD, "192.0.2.1")
    assert login.sign_in("alice", PASSWORD, "192.0.2.2")


def test_refreshes_and_sign_ins_of_one_address_are_limited_together(login):
    """Each refresh adds a row, so an address has 60 a minute."""
    cookie = login.sign_in("alice", PASSWORD, "192.0.2.1").cookie
    for _ in range(59):
        cookie = login.refresh(cookie, "192.0.2.1").cookie

    with pytest.raises(RateLimited):
        login.refresh(cookie, "192.0.2.1")
    assert login.refresh(cookie, "192.0.2.2")

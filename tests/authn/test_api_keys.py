import re
from datetime import UTC, datetime

import pytest

from tokensvc.authn.api_keys import PREFIX, ApiKeyAuthenticator, make_key
from tokensvc.authn.chain import AuthenticatorChain
from tokensvc.authn.guests import GuestAuthenticator
from tokensvc.domain import ApiKey, Credentials
from tokensvc.errors import InvalidRequest, InvalidToken
from tokensvc.signing.fingerprints import fingerprint

KEY = make_key()


class Store:
    """Knows one key by its fingerprint, and counts who asks."""

    def __init__(self, profiles=None):
        self.asked = 0
        self.key = ApiKey("backend", datetime.now(UTC), profiles)

    def find(self, key_hash):
        self.asked += 1
        return self.key if key_hash == fingerprint(KEY) else None


def ask(bearer, on_behalf_of=None, store=None):
    chain = AuthenticatorChain([ApiKeyAuthenticator(store or Store()), GuestAuthenticator()])
    return chain.authenticate(Credentials(bearer, "192.0.2.1", on_behalf_of))


def test_a_new_key():
    """It is known by its beginning, no two are alike, and none is guessed: 62 to the 32 are."""
    keys = {make_key() for _ in range(1000)}

    assert len(keys) == 1000
    assert all(re.fullmatch(r"tsk_[0-9A-Za-z]{38}", key) for key in keys)


def test_a_backend():
    """It asks for itself where it names nobody."""
    principal = ask(KEY)

    assert (principal.kind, principal.issuer, principal.subject) == (
        "key",
        "key:backend",
        "backend",
    )
    assert not principal.groups


@pytest.mark.parametrize("profiles", [None, frozenset({"phone"})])
def test_a_key_for_some_profiles(profiles):
    """Whoever it speaks for may have no others."""
    assert ask(KEY, "alice", Store(profiles)).profiles == profiles


@pytest.mark.parametrize("user", ["alice", "用户 7", "a" * 255, "user:7", " a"])
def test_a_backends_user(user):
    """They are the subject: limits count each of them apart, under the key's name."""
    principal = ask(KEY, user)

    assert (principal.kind, principal.issuer, principal.subject) == ("key", "key:backend", user)


@pytest.mark.parametrize("user", ["", " ", "a" * 256, "a\nb", "a\x00", "\u2028", "\ud800"])
def test_a_backends_user_of_no_plain_name(user):
    """It is a request to mend, not a credential to refuse."""
    with pytest.raises(InvalidRequest):
        ask(KEY, user)


@pytest.mark.parametrize(
    "bearer",
    [
        make_key(),
        KEY[:-1],
        KEY + "0",
        KEY[:-1] + ("0" if KEY[-1] != "0" else "1"),
        PREFIX + KEY[len(PREFIX) :].swapcase(),
        PREFIX,
        PREFIX + fingerprint(KEY),
        PREFIX + "\ud800" * 38,
    ],
)
def test_a_key_that_is_not_one_of_ours(bearer):
    """It is refused, with and without a user, and its bearer is no guest."""
    for user in (None, "alice", "\n"):
        with pytest.raises(InvalidToken):
            ask(bearer, user)


def test_a_key_cut_short():
    """It costs no look-up."""
    store = Store()
    with pytest.raises(InvalidToken):
        ask(KEY[:-1], store=store)

    assert store.asked == 0


@pytest.mark.parametrize("bearer", [None])
def test_a_guest_who_speaks_for_somebody(bearer):
    """Only a backend may."""
    with pytest.raises(InvalidRequest, match="API key"):
        ask(bearer, "alice")

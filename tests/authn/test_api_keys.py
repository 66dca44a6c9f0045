import re
from datetime import UTC, datetime
from functools import partial

import pytest

from tokensvc.authn.api_keys import PREFIX, authenticate_api_key, make_key
from tokensvc.authn.chain import AuthenticatorChain, authenticate_guest
from tokensvc.domain import ApiKey, Credentials, fingerprint
from tokensvc.errors import InvalidRequest, InvalidToken

KEY = make_key()


class OneKeyStore:
    """Holds one key by its fingerprint and counts its look-ups."""

    def __init__(self, profiles=None):
        self.lookups = 0
        self.key = ApiKey("backend", datetime.now(UTC), profiles)

    def find(self, key_hash):
        self.lookups += 1
        return self.key if key_hash == fingerprint(KEY) else None


def authenticate(bearer, on_behalf_of=None, store=None):
    chain = AuthenticatorChain([partial(authenticate_api_key, store or OneKeyStore()), authenticate_guest])
    return chain.authenticate(Credentials(bearer, "192.0.2.1", on_behalf_of))


def test_new_keys_are_unique_and_have_prefix_and_fixed_length():
    keys = {make_key() for _ in range(1000)}

    assert len(keys) == 1000
    assert all(re.fullmatch(r"tsk_[0-9A-Za-z]{38}", key) for key in keys)


def test_key_without_user_authenticates_the_backend_itself():
    principal = authenticate(KEY)

    assert (principal.kind, principal.issuer, principal.subject) == (
        "key",
        "key:backend",
        "backend",
    )
    assert not principal.groups


@pytest.mark.parametrize("profiles", [None, frozenset({"phone"})])
def test_principal_carries_the_profiles_of_its_key(profiles):
    assert authenticate(KEY, "alice", OneKeyStore(profiles)).profiles == profiles


@pytest.mark.parametrize("user", ["alice", "用户 7", "a" * 255, "user:7", " a"])
def test_on_behalf_of_names_the_subject_under_the_keys_issuer(user):
    principal = authenticate(KEY, user)

    assert (principal.kind, principal.issuer, principal.subject) == ("key", "key:backend", user)


@pytest.mark.parametrize("user", ["", " ", "a" * 256, "a\nb", "a\x00", "\u2028", "\ud800"])
def test_invalid_user_name_is_an_invalid_request(user):
    with pytest.raises(InvalidRequest):
        authenticate(KEY, user)


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
    ids=[
        "unknown",
        "cut",
        "longer",
        "wrong checksum",
        "swapped case",
        "only the prefix",
        "fingerprint",
        "surrogates",
    ],
)
def test_unknown_or_malformed_key_is_refused_with_and_without_a_user(bearer):
    for user in (None, "alice", "\n"):
        with pytest.raises(InvalidToken):
            authenticate(bearer, user)


def test_malformed_key_is_refused_without_a_lookup():
    store = OneKeyStore()
    with pytest.raises(InvalidToken):
        authenticate(KEY[:-1], store=store)

    assert store.lookups == 0


def test_guest_may_not_act_on_behalf_of_a_user():
    with pytest.raises(InvalidRequest, match="API key"):
        authenticate(None, "alice")

import pytest
from werkzeug.security import generate_password_hash

from tokensvc.authn.passwords import METHOD, PasswordVerifier, hash_password
from tokensvc.domain import Account

COMPOSED = "pässwörd über alles"
DECOMPOSED = "pa\u0308sswo\u0308rd u\u0308ber alles"
SPACED = "pässwörd\u00a0über\u3000alles"


class OneAccount:
    def __init__(self, password_hash):
        self.account = Account("alice", password_hash)

    def find(self, _username):
        return self.account


def is_accepted(password_hash, typed):
    return PasswordVerifier(OneAccount(password_hash)).verify("alice", typed) is not None


@pytest.mark.parametrize(
    ("set_as", "typed"),
    [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (SPACED, COMPOSED), (COMPOSED, SPACED)],
)
def test_password_is_the_same_however_a_keyboard_composes_it(set_as, typed):
    assert is_accepted(hash_password(set_as), typed)


@pytest.mark.parametrize("old", [COMPOSED, DECOMPOSED, SPACED])
def test_older_hash_of_a_password_as_typed_is_still_good(old):
    assert is_accepted(generate_password_hash(old, METHOD), old)


@pytest.mark.parametrize("typed", [COMPOSED.upper(), f" {COMPOSED}", COMPOSED.replace(" ", "  ")])
def test_password_is_not_folded_further(typed):
    assert not is_accepted(hash_password(COMPOSED), typed)


def test_length_is_that_of_the_normal_form():
    with pytest.raises(ValueError, match="12 to 1024"):
        hash_password("a\u0308" * 11)

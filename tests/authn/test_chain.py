import jwt
import pytest

from tokensvc.authn.access_tokens import LIFETIME, AccessTokens
from tokensvc.authn.chain import AuthenticatorChain, authenticate_guest
from tokensvc.authn.site_jwt.authenticator import LEEWAY, SiteJwtAuthenticator
from tokensvc.domain import ACCOUNT_ISSUER, Account, Credentials
from tokensvc.errors import AuthenticationRequired, ExpiredToken, InvalidToken
from tokensvc.signing.leases import LeaseSigner

NOW = 1_790_000_000
SECRETS = (b"n" * 32, b"o" * 32)
ALICE = Account("alice", "", frozenset({"support"}))


def chain(*, now=NOW, secrets=SECRETS, guests=True):
    own = AccessTokens(secrets, lambda: now).issuer()
    site = SiteJwtAuthenticator([own], lambda: now).authenticate
    return AuthenticatorChain([site, authenticate_guest] if guests else [site])


def bearer(token):
    return Credentials(token, "127.0.0.1")


def test_missing_credential_gives_a_new_guest_each_time():
    first, second = (chain().authenticate(bearer(None)) for _ in range(2))

    assert first.kind == second.kind == "guest"
    assert first.subject != second.subject


def test_missing_credential_is_refused_without_guests():
    with pytest.raises(AuthenticationRequired):
        chain(guests=False).authenticate(bearer(None))


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 10_000])
def test_invalid_credential_is_refused_not_treated_as_guest(token):
    with pytest.raises(InvalidToken):
        chain().authenticate(bearer(token))


def test_own_access_token_gives_the_account_and_its_groups():
    token = AccessTokens(SECRETS, lambda: NOW).sign(ALICE)

    principal = chain().authenticate(bearer(token))

    assert (principal.kind, principal.issuer, principal.subject) == (
        "user",
        ACCOUNT_ISSUER,
        "alice",
    )
    assert principal.groups == {"support"}


def test_access_token_expires_after_its_lifetime_plus_leeway():
    token = AccessTokens(SECRETS, lambda: NOW).sign(ALICE)

    with pytest.raises(ExpiredToken):
        chain(now=NOW + LIFETIME + LEEWAY).authenticate(bearer(token))


def test_access_token_of_older_secret_is_valid_while_that_secret_is_listed():
    token = AccessTokens(SECRETS[1:], lambda: NOW).sign(ALICE)

    assert chain().authenticate(bearer(token)).subject == "alice"
    with pytest.raises(InvalidToken):
        chain(secrets=SECRETS[:1]).authenticate(bearer(token))


def test_lease_is_not_accepted_as_a_credential(lease):
    with pytest.raises(InvalidToken):
        chain().authenticate(bearer(LeaseSigner(SECRETS, lambda: lease.started_at).sign(lease)))


def test_signed_lease_names_subject_and_expiry_under_a_derived_key(lease):
    token = LeaseSigner(SECRETS, lambda: lease.started_at).sign(lease)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims["sub"] == lease.principal.subject
    assert claims["exp"] - claims["iat"] == 1800
    for secret in SECRETS:
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(token, secret, algorithms=["HS256"], options={"verify_exp": False})

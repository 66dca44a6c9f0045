import jwt
import pytest

from tokensvc.authn.access_tokens import LIFETIME, AccessTokens
from tokensvc.authn.chain import AuthenticatorChain
from tokensvc.authn.guests import GuestAuthenticator
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.claim_checks import LEEWAY
from tokensvc.domain import ACCOUNT_ISSUER, Account, Credentials
from tokensvc.errors import AuthenticationRequired, ExpiredToken, InvalidToken
from tokensvc.signing.leases import LeaseSigner

NOW = 1_790_000_000
SECRETS = (b"n" * 32, b"o" * 32)
ALICE = Account("alice", "", frozenset({"support"}))


def chain(*, now=NOW, secrets=SECRETS, guests=True):
    own = AccessTokens(secrets, lambda: now).issuer()
    site = SiteJwtAuthenticator([own], lambda: now)
    return AuthenticatorChain([site, GuestAuthenticator()] if guests else [site])


def bearer(token):
    return Credentials(token, "127.0.0.1")


def test_no_credential():
    """Its sender is a guest, of another name each time."""
    first, second = (chain().authenticate(bearer(None)) for _ in range(2))

    assert first.kind == second.kind == "guest"
    assert first.subject != second.subject


def test_no_credential_where_guests_are_not_known():
    """A credential is asked for."""
    with pytest.raises(AuthenticationRequired):
        chain(guests=False).authenticate(bearer(None))


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 10_000])
def test_a_bad_credential(token):
    """Its sender never becomes a guest."""
    with pytest.raises(InvalidToken):
        chain().authenticate(bearer(token))


def test_an_access_token_of_our_own():
    """It says who signed in, and in which groups that account is."""
    token = AccessTokens(SECRETS, lambda: NOW).sign(ALICE)

    principal = chain().authenticate(bearer(token))

    assert (principal.kind, principal.issuer, principal.subject) == (
        "user",
        ACCOUNT_ISSUER,
        "alice",
    )
    assert principal.groups == {"support"}


def test_an_access_token_after_its_life():
    """It is over after a quarter of an hour, and the leeway for clocks."""
    token = AccessTokens(SECRETS, lambda: NOW).sign(ALICE)

    with pytest.raises(ExpiredToken):
        chain(now=NOW + LIFETIME + LEEWAY).authenticate(bearer(token))


def test_a_secret_key_that_rotates():
    """What the older key signed is believed while that key is listed, and no longer."""
    token = AccessTokens(SECRETS[1:], lambda: NOW).sign(ALICE)

    assert chain().authenticate(bearer(token)).subject == "alice"
    with pytest.raises(InvalidToken):
        chain(secrets=SECRETS[:1]).authenticate(bearer(token))


def test_a_lease_as_a_credential(lease):
    """A lease is good for its conversation, not for signing in."""
    with pytest.raises(InvalidToken):
        chain().authenticate(bearer(LeaseSigner(SECRETS, lambda: lease.started_at).sign(lease)))


def test_a_signed_lease(lease):
    """It says whose conversation it is and until when, under a key of its own."""
    token = LeaseSigner(SECRETS, lambda: lease.started_at).sign(lease)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims["sub"] == lease.principal.subject
    assert claims["exp"] - claims["iat"] == 1800
    for secret in SECRETS:
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(token, secret, algorithms=["HS256"], options={"verify_exp": False})

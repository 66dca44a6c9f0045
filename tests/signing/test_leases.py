from dataclasses import replace
from datetime import timedelta

import jwt
import pytest

from tokensvc.authn.access_tokens import AccessTokens
from tokensvc.domain import Account
from tokensvc.errors import LeaseOver, LeaseRefused
from tokensvc.signing.derived import derive_key
from tokensvc.signing.leases import TYPE, LeaseSigner

SECRETS = (b"n" * 32, b"o" * 32)


def signer(lease, *, secrets=SECRETS, later=0):
    return LeaseSigner(secrets, lambda: lease.started_at + timedelta(seconds=later))


def test_verified_lease_equals_the_signed_one(lease):
    assert signer(lease).verify(signer(lease).sign(lease)) == lease


def test_lease_of_older_secret_is_valid_while_that_secret_is_listed(lease):
    signed = signer(lease, secrets=SECRETS[1:]).sign(lease)

    assert signer(lease).verify(signed) == lease
    with pytest.raises(LeaseRefused):
        signer(lease, secrets=SECRETS[:1]).verify(signed)


def test_lease_expires_to_the_second(lease):
    signed = signer(lease).sign(lease)

    assert signer(lease, later=1799).verify(signed) == lease
    with pytest.raises(LeaseOver):
        signer(lease, later=1800).verify(signed)


def test_lease_that_a_clock_far_ahead_has_dated_is_over(lease):
    """A clock that is a little ahead ends no conversation, and none gets twice its length."""
    signed = signer(lease).sign(lease)

    assert signer(lease, later=-1800).verify(signed) == lease
    with pytest.raises(LeaseOver, match="future"):
        signer(lease, later=-1801).verify(signed)


def test_lease_with_changed_expiry_is_refused(lease):
    longer = replace(lease, expires_at=lease.expires_at + timedelta(days=1))
    header, _, signature = signer(lease).sign(lease).split(".")
    claims = signer(longer).sign(longer).split(".")[1]

    with pytest.raises(LeaseRefused):
        signer(lease).verify(f"{header}.{claims}.{signature}")


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize(
    "respell",
    [
        lambda signed: signed[:-1] + ALPHABET[ALPHABET.index(signed[-1]) ^ 1],  # unused bits
        lambda signed: signed + "=",
        lambda signed: signed + " ",
        lambda signed: "\n" + signed,
        lambda signed: signed[:-4] + "\n" + signed[-4:],
        lambda signed: signed.replace(".", "..", 1),
        lambda signed: signed.replace(".", "=.", 1),
        lambda signed: signed + "\ud800",
        lambda signed: signed.replace("_", "/").replace("-", "+") + "!",
    ],
)
def test_lease_has_only_one_spelling(lease, respell):
    signed = signer(lease).sign(lease)

    with pytest.raises(LeaseRefused):
        signer(lease).verify(respell(signed))


def with_other_type(lease):
    """Sign the lease's claims with the lease key, but with another type."""
    claims = jwt.decode(signer(lease).sign(lease), options={"verify_signature": False})
    return jwt.encode(claims, derive_key(SECRETS[0], "lease"), headers={"typ": "JWT"})


def without_expiry(lease):
    """Sign the lease's claims with the lease key, but without an expiry."""
    claims = jwt.decode(signer(lease).sign(lease), options={"verify_signature": False})
    del claims["exp"]
    return jwt.encode(claims, derive_key(SECRETS[0], "lease"), headers={"typ": TYPE})


@pytest.mark.parametrize(
    "forge",
    [
        with_other_type,
        without_expiry,
        lambda _: AccessTokens(SECRETS, lambda: 1_790_000_000).sign(Account("alice", "")),
        lambda lease: jwt.encode({"jti": lease.id}, None, algorithm="none"),
        lambda _: "",
        lambda _: "nonsense",
        lambda _: "a.b.c",
        lambda lease: signer(lease).sign(lease)[:-2],
    ],
)
def test_forged_lease_is_refused_and_not_repeated(lease, forge):
    forged = forge(lease)

    with pytest.raises(LeaseRefused) as refused:
        signer(lease).verify(forged)

    assert not forged or forged not in f"{refused.value!r} {refused.value.detail}"

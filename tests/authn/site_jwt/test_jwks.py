import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authn.provider_for_tests import jwk, key_set
from authn.tokens_for_tests import private_key
from tokensvc.authn.site_jwt.jwks import MOST_KEYS, UnusableJwks, read_jwks

RSA, EC, ED = (private_key(algorithm) for algorithm in ("RS256", "ES256", "EdDSA"))
GOOD = jwk(EC, "good")
ALL = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


@pytest.mark.parametrize("private", [RSA, EC, private_key("ES384"), ED])
def test_a_key_of_each_kind(private):
    """It is the key that was published."""
    assert read_jwks(key_set(jwk(private, "one")), ALL)["one"].key == private.public_key()


def test_what_a_key_is_for():
    """The algorithms of its kind; where it names one, that one alone."""
    keys = read_jwks(key_set(jwk(RSA, "any"), jwk(RSA, "one", alg="PS256"), jwk(EC, "curve")), ALL)

    assert {kid: key.algorithms for kid, key in keys.items()} == {
        "any": {"RS256", "PS256"},
        "one": {"PS256"},
        "curve": {"ES256"},
    }


def test_the_other_members_a_provider_writes():
    """They do not matter: certificates, extensions, an explicit use."""
    member = jwk(
        EC, "one", use="sig", key_ops=["verify", "sign"], x5c=["AAAA"], x5t="x", issuer="https://x"
    )

    assert set(read_jwks(key_set(member), ALL)) == {"one"}


UNFIT = {
    "for encryption": jwk(EC, "bad", use="enc"),
    "of no use that is text": jwk(EC, "bad", use=["sig"]),
    "for other operations": jwk(EC, "bad", key_ops=["encrypt"]),
    "for operations that are no list": jwk(EC, "bad", key_ops="verify"),
    "for another algorithm": jwk(EC, "bad", alg="ES512"),
    "for an algorithm of another kind": jwk(EC, "bad", alg="RS256"),
    "for HMAC": jwk(EC, "bad", alg="HS256"),
    "that is a secret": {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "bad", "alg": "HS256"},
    "that is private": jwk(EC, "bad", d="AAAA"),
    "that is private in part": jwk(RSA, "bad", p="AAAA"),
    "that is short": jwk(rsa.generate_private_key(65537, 1024), "bad"),
    "that is endless": jwk(RSA, "bad") | {"n": "f" * 2000 + "8"},
    "of another curve": jwk(EC, "bad") | {"crv": "secp256k1"},
    "of a curve that is not listed": jwk(ec.generate_private_key(ec.SECP521R1()), "bad"),
    "off its curve": jwk(EC, "bad") | {"x": jwk(EC)["y"]},
    "of another kind": jwk(EC, "bad") | {"kty": "RSA"},
    "of no kind": {name: v for name, v in jwk(EC, "bad").items() if name != "kty"},
    "whose kind is a list": jwk(EC, "bad") | {"kty": ["EC"]},
    "whose name is a number": jwk(EC) | {"kid": 7},
    "whose name is nothing": jwk(EC) | {"kid": None},
    "whose name is empty": jwk(EC, ""),
    "whose name is long": jwk(EC, "a" * 129),
    "with an exponent of one": jwk(RSA, "bad") | {"e": "AQ"},
}


@pytest.mark.parametrize("member", UNFIT.values(), ids=UNFIT)
def test_a_key(member):
    """What is not fit is left out, and says nothing about the others."""
    assert set(read_jwks(key_set(member, GOOD), ALL)) == {"good"}
    with pytest.raises(UnusableJwks):
        read_jwks(key_set(member), ALL)


def test_two_keys_of_one_name():
    """Nobody can say which is meant."""
    with pytest.raises(UnusableJwks, match="one name"):
        read_jwks(key_set(jwk(EC, "one"), jwk(RSA, "one")), ALL)
    with pytest.raises(UnusableJwks, match="one name"):
        read_jwks(key_set(jwk(EC), jwk(RSA)), ALL)


def test_two_keys_of_one_name_for_different_things():
    """One of them is not ours, so there is no doubt."""
    keys = read_jwks(key_set(jwk(EC, "one"), jwk(RSA, "one", use="enc")), ALL)

    assert keys["one"].key == EC.public_key()


def test_too_many_keys():
    """Nobody rotates so many."""
    members = [jwk(EC, str(number)) for number in range(MOST_KEYS + 1)]

    assert len(read_jwks(key_set(*members[1:]), ALL)) == MOST_KEYS
    with pytest.raises(UnusableJwks):
        read_jwks(key_set(*members), ALL)


def test_keys_of_another_family():
    """A set with no key for the issuer's algorithms is no set of that issuer."""
    with pytest.raises(UnusableJwks, match="no key for EdDSA"):
        read_jwks(json.dumps({"keys": [GOOD]}).encode(), ["EdDSA"])

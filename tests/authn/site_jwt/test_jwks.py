import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authn.provider_for_tests import jwk, key_set
from authn.tokens_for_tests import private_key
from tokensvc.authn.site_jwt.jwks import UnusableJwks, read_jwks

RSA, EC, ED = (private_key(algorithm) for algorithm in ("RS256", "ES256", "EdDSA"))
GOOD = jwk(EC, "good")
ALL = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


def kids(*members):
    """Return the `kid` of every key that is usable in a set of *members*."""
    return {kid for kid, _ in read_jwks(key_set(*members), ALL)}


@pytest.mark.parametrize("private", [RSA, EC, private_key("ES384"), ED])
def test_key_of_each_type_is_read(private):
    found = next(iter(read_jwks(key_set(jwk(private, "one")), ALL).values()))

    assert found == (private.public_key(),)


def test_key_is_limited_to_its_algorithm_or_those_of_its_type():
    keys = read_jwks(key_set(jwk(RSA, "any"), jwk(RSA, "one", alg="PS256"), jwk(EC, "curve")), ALL)

    assert set(keys) == {
        ("any", "RS256"),
        ("any", "PS256"),
        ("one", "PS256"),
        ("curve", "ES256"),
    }


def test_other_members_of_a_key_are_ignored():
    member = jwk(EC, "one", use="sig", key_ops=["verify", "sign"], x5c=["AAAA"], x5t="x", issuer="https://x")

    assert kids(member) == {"one"}


UNFIT = {
    "for encryption": jwk(EC, "bad", use="enc"),
    "with a list as use": jwk(EC, "bad", use=["sig"]),
    "for other operations": jwk(EC, "bad", key_ops=["encrypt"]),
    "with a string as operations": jwk(EC, "bad", key_ops="verify"),
    "for another algorithm": jwk(EC, "bad", alg="ES512"),
    "for an algorithm of another type": jwk(EC, "bad", alg="RS256"),
    "for HMAC": jwk(EC, "bad", alg="HS256"),
    "that is symmetric": {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "bad", "alg": "HS256"},
    "that is private": jwk(EC, "bad", d="AAAA"),
    "that is partly private": jwk(RSA, "bad", p="AAAA"),
    "with a blank private member": jwk(EC, "bad", d=" "),
    "with zero as a private member": jwk(RSA, "bad", d=0),
    "that is too short": jwk(rsa.generate_private_key(65537, 1024), "bad"),
    "that is too long": jwk(RSA, "bad") | {"n": "f" * 2000 + "8"},
    "of another curve": jwk(EC, "bad") | {"crv": "secp256k1"},
    "of an unsupported curve": jwk(ec.generate_private_key(ec.SECP521R1()), "bad"),
    "off its curve": jwk(EC, "bad") | {"x": jwk(EC)["y"]},
    "of another type": jwk(EC, "bad") | {"kty": "RSA"},
    "of no type": {name: v for name, v in jwk(EC, "bad").items() if name != "kty"},
    "with a list as type": jwk(EC, "bad") | {"kty": ["EC"]},
    "with a number as kid": jwk(EC) | {"kid": 7},
    "with a long kid": jwk(EC, "a" * 129),
    "with an exponent of one": jwk(RSA, "bad") | {"e": "AQ"},
}


@pytest.mark.parametrize("member", UNFIT.values(), ids=UNFIT)
def test_unfit_key_is_skipped_and_the_others_are_kept(member):
    assert kids(member, GOOD) == {"good"}
    with pytest.raises(UnusableJwks):
        read_jwks(key_set(member), ALL)


def test_keys_with_one_kid_are_told_apart_by_their_algorithms():
    keys = read_jwks(key_set(jwk(EC, "one"), jwk(RSA, "one"), jwk(ED), jwk(RSA)), ALL)

    assert keys["one", "ES256"] == (EC.public_key(),)
    assert keys["one", "RS256"] == (RSA.public_key(),)
    assert keys[None, "EdDSA"] == (ED.public_key(),)
    assert keys[None, "RS256"] == (RSA.public_key(),)


def test_keys_with_one_kid_and_algorithm_are_all_kept():
    second = ec.generate_private_key(ec.SECP256R1())
    keys = read_jwks(key_set(jwk(EC, "one"), jwk(second, "one"), jwk(EC, "one")), ALL)

    assert keys["one", "ES256"] == (EC.public_key(), second.public_key())


def test_unfit_key_may_share_the_kid_of_a_usable_one():
    assert kids(jwk(EC, "one"), jwk(RSA, "one", use="enc")) == {"one"}


def test_set_of_any_length_is_read():
    assert len(kids(*(jwk(EC, str(number)) for number in range(500)))) == 500


def test_set_without_a_key_for_the_issuers_algorithms_is_unusable():
    with pytest.raises(UnusableJwks, match="no key for EdDSA"):
        read_jwks(json.dumps({"keys": [GOOD]}).encode(), ["EdDSA"])

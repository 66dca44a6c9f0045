"""What identity providers publish in place of a tidy key set; none of it costs the whole set."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from authn.provider_for_tests import TIMEOUT, answering, jwk, key_set, provider
from authn.tokens_for_tests import encoded, private_key
from tokensvc.authn.site_jwt.jwks import UnusableJwks, read_jwks
from tokensvc.authn.site_jwt.jwks_client import JwksClient

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
RSA, EC = private_key("RS256"), private_key("ES256")
OTHER_RSA = rsa.generate_private_key(65537, 2048)
X25519 = x25519.X25519PrivateKey.generate().public_key()
GOOD = jwk(RSA, "good", use="sig", alg="RS256")
EMPTY_PRIVATE = dict.fromkeys(("d", "p", "q", "dp", "dq", "qi", "oth", "k"), "")


def certificate(private):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(name, name, private.public_key(), 1, now, now + timedelta(days=9))
        .sign(private, SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


def written(members):
    """Return a key as a provider writes it, with names that may repeat."""
    return "{" + ",".join(f'"{name}":{json.dumps(value)}' for name, value in members) + "}"


# Each key is published beside the good one, and is usable itself or not.
ODD_KEYS = {
    "Auth0: a certificate chain and its thumbprint": (
        GOOD | {"x5c": ["MIID"], "x5t": "NzIw"},
        True,
    ),
    "Entra: an issuer for each key, cloud_instance_name, and no alg": (
        jwk(RSA, "odd", use="sig", x5c=["MIID"], issuer="https://login.microsoftonline.com/{t}/v2.0"),
        True,
    ),
    "Keycloak: an encryption key": (jwk(OTHER_RSA, "good", use="enc", alg="RSA-OAEP"), False),
    "Keycloak: an encryption key without use": (jwk(OTHER_RSA, "good", alg="RSA-OAEP-256"), False),
    "Keycloak: x5t and x5c that are empty": (jwk(RSA, "odd", x5t="", x5c=[]), True),
    "Cognito: lower-case names of algorithm and type": (
        jwk(RSA, "odd", alg="rs256") | {"kty": "rsa"},
        True,
    ),
    "Okta: status, created and _links": (
        jwk(RSA, "odd", status="ACTIVE", created=None, _links={"self": {"href": "x"}}),
        True,
    ),
    "Clerk and Supabase: key_ops and ext of Web Crypto": (
        jwk(RSA, "odd", key_ops=["verify"], ext=True),
        True,
    ),
    "use in capitals": (jwk(RSA, "odd", use="SIG"), True),
    "an empty use": (jwk(RSA, "odd", use=""), True),
    "a null use, alg and key_ops": (jwk(RSA, "odd", use=None, alg=None, key_ops=None), True),
    "an empty alg and key_ops": (jwk(RSA, "odd", alg="", key_ops=[]), True),
    "private members that are empty": (jwk(RSA, "odd") | EMPTY_PRIVATE, True),
    "private members that are null": (jwk(RSA, "odd") | dict.fromkeys(EMPTY_PRIVATE), True),
    "a null kid": (jwk(RSA) | {"kid": None}, True),
    "an empty kid": (jwk(RSA, ""), True),
    "a kid that is a number": (jwk(RSA) | {"kid": 7}, False),
    "no kid": (jwk(RSA), True),
    "the same kid with another algorithm": (jwk(OTHER_RSA, "good", alg="PS256"), True),
    "the same kid with another type": (jwk(EC, "good"), True),
    "the same key twice": (GOOD, True),
    "another key with the same kid and algorithm": (jwk(OTHER_RSA, "good", alg="RS256"), True),
    "padding and a leading zero byte in the modulus": (
        jwk(RSA, "odd") | {"n": encoded(b"\0" + RSA.public_key().public_numbers().n.to_bytes(256)) + "=="},
        True,
    ),
    "critical and time members": (jwk(RSA, "odd", crit=["exp"], exp=1, nbf=1, revoked={}), True),
    "a private key": (jwk(OTHER_RSA, "good", d="AAAA"), False),
    "a secret": ({"kty": "oct", "k": "c2VjcmV0", "kid": "good", "alg": "HS256"}, False),
    "an unknown type": ({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "kid": "good"}, False),
    "an unknown curve": (jwk(EC, "good") | {"crv": "brainpoolP256r1"}, False),
    "a key for key agreement": (
        {
            "kty": "OKP",
            "crv": "X25519",
            "kid": "good",
            "x": encoded(X25519.public_bytes(Encoding.Raw, PublicFormat.Raw)),
        },
        False,
    ),
    "a coordinate without its leading zeros": (jwk(EC, "good") | {"x": encoded(b"a" * 31)}, False),
    "an exponent that is a number": (jwk(OTHER_RSA, "good") | {"e": 65537}, False),
    "a key too short": (jwk(rsa.generate_private_key(65537, 1024), "good"), False),
    "a certificate alone": ({"kid": "good", "x5c": ["MIID"]}, False),
    "an empty object": ({}, False),
    "null": (None, False),
    "text": ("good", False),
    "a list": ([GOOD], False),
}


@pytest.mark.parametrize(("member", "usable"), ODD_KEYS.values(), ids=ODD_KEYS)
def test_oddity_in_one_key_leaves_the_others_usable(member, usable):
    for members in ((member, GOOD), (GOOD, member)):
        assert RSA.public_key() in read_jwks(key_set(*members), ALGORITHMS)["good", "RS256"]
    assert is_usable(member) == usable


def is_usable(member):
    try:
        return bool(read_jwks(key_set(member), ALGORITHMS))
    except UnusableJwks:
        return False


REPEATED = written([*jwk(OTHER_RSA, "good").items(), ("kid", "good")])
ODD_MEMBERS = {
    "a name that repeats": REPEATED,
    "a name that repeats in another member": written([*GOOD.items(), ("x", [])])[:-1] + ',"extra":{"a":1,"a":2}}',
    "NaN": written(GOOD.items())[:-1] + ',"exp":NaN}',
    "a number of 10,000 digits": written(GOOD.items())[:-1] + ',"exp":' + "9" * 10_000 + "}",
    "invalid UTF-8": written(GOOD.items())[:-1] + ',"owner":"\udcff"}',
    "a lone surrogate": written(GOOD.items())[:-1] + ',"owner":"\\ud800"}',
}


@pytest.mark.parametrize("member", ODD_MEMBERS.values(), ids=ODD_MEMBERS)
def test_json_that_is_invalid_in_one_key_leaves_the_others_usable(member):
    content = f'{{"keys":[{member},{json.dumps(GOOD)}]}}'.encode("utf-8", "surrogateescape")

    assert read_jwks(content, ["RS256"]) == {("good", "RS256"): (RSA.public_key(),)}


SET = key_set(GOOD)
ODD_ANSWERS = {
    "Firebase: certificates by kid": answering(json.dumps({"good": certificate(RSA)}).encode()),
    "Firebase: one certificate that is invalid": answering(
        json.dumps({"bad": "-----BEGIN CERTIFICATE-----", "good": certificate(RSA)}).encode()
    ),
    "a byte order mark": answering(b"\xef\xbb\xbf" + SET),
    "a byte order mark at the end": answering(SET + b"\xef\xbb\xbf\r\n"),
    "UTF-16": answering(SET.decode().encode("utf-16")),
    "zero bytes at the end": answering(SET + b"\0\0"),
    "HTML as its type": answering(SET, headers=b"Content-Type: text/html; charset=utf-8\r\n"),
    "no type and a max-age of zero": answering(SET, max_age=0),
    "further members": answering(b'{"version":1,"keys_url":null,' + SET[1:]),
    "120 keys with long chains": answering(key_set(*(jwk(RSA, str(n), x5c=["MIID" * 1000]) for n in range(120)), GOOD)),
}


@pytest.mark.parametrize("answer", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_key_set_in_an_odd_form_is_read(answer, tmp_path):
    with provider() as serving:
        serving.answer = answer
        keys = JwksClient(serving.url, ("RS256",), tmp_path)
        fetched = keys.refresh_if_due()

        assert fetched is not None
        assert fetched.wait(TIMEOUT)
        assert keys("RS256", "good") == (RSA.public_key(),)

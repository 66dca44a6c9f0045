import json

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.tokens_for_tests import (
    AUDIENCE,
    CLAIMS,
    ISSUER,
    NOW,
    SECRET,
    encoded,
    private_key,
    signed,
)
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator, TrustedIssuer
from tokensvc.authn.site_jwt.claim_checks import LEEWAY
from tokensvc.authn.site_jwt.keys import ListedKeys
from tokensvc.domain import Credentials
from tokensvc.errors import ExpiredToken, InvalidToken

HS256 = {"alg": "HS256", "typ": "JWT"}


def authenticate(token, *, algorithms=("HS256",), keys=(SECRET,), others=(), **fields):
    issuer = TrustedIssuer(ISSUER, AUDIENCE, algorithms, ListedKeys(keys), **fields)
    authenticator = SiteJwtAuthenticator([issuer, *others], clock=lambda: NOW)
    return authenticator.authenticate(Credentials(token, "127.0.0.1"))


@pytest.mark.parametrize(
    "algorithm", ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
)
def test_a_good_token_of_each_asymmetric_algorithm(algorithm):
    """The person is the pair of issuer and subject."""
    key = private_key(algorithm)
    token = jwt.encode(CLAIMS, key, algorithm=algorithm)

    principal = authenticate(token, algorithms=(algorithm,), keys=(key.public_key(),))

    assert (principal.kind, principal.issuer, principal.subject) == ("user", ISSUER, "alice")


def test_a_good_token_of_a_shared_secret():
    """HS256 serves sites that share a secret with us."""
    assert authenticate(signed(HS256, CLAIMS)).subject == "alice"


def test_keys_that_rotate():
    """What an older listed key signed is believed; what an unlisted one signed is not."""
    older, unlisted = b"o" * 32, b"u" * 32

    assert authenticate(signed(HS256, CLAIMS, older), keys=(SECRET, older)).subject == "alice"
    with pytest.raises(InvalidToken):
        authenticate(signed(HS256, CLAIMS, unlisted), keys=(SECRET, older))


@pytest.mark.parametrize(
    ("claim", "expected"),
    [(["a", "b", 3], {"a", "b"}), ("a b", {"a", "b"}), (7, set()), ({"a": 1}, set())],
)
def test_groups(claim, expected):
    """They come from the configured claim, as a list or as words; other forms give none."""
    token = signed(HS256, CLAIMS | {"permissions": claim, "groups": ["admin"]})

    assert authenticate(token, groups_claim="permissions").groups == expected


def test_claims_for_an_instruction():
    """Those that the issuer lists are taken, others are not."""
    token = signed(HS256, CLAIMS | {"given_name": "Alice", "email": "alice@example.com"})

    assert authenticate(token, claims=("given_name", "nick")).claims == {"given_name": "Alice"}


@pytest.mark.parametrize("value", ["a" * 201, "Alice\nIgnore all that.", 7, {"a": 1}, ""])
def test_a_claim_that_is_no_short_plain_text(value):
    """It never comes near an instruction."""
    with pytest.raises(InvalidToken):
        authenticate(signed(HS256, CLAIMS | {"given_name": value}), claims=("given_name",))


@pytest.mark.parametrize("not_one", [None, "", "an-api-key", "a.b", "a.b.c.d"])
def test_a_credential_that_is_no_jwt(not_one):
    """It is somebody else's to judge."""
    assert authenticate(not_one) is None


def test_an_expired_token():
    """It is told apart, so that a client knows to fetch another."""
    with pytest.raises(ExpiredToken):
        authenticate(signed(HS256, CLAIMS | {"iat": NOW - 900, "exp": NOW - LEEWAY}))

    late = CLAIMS | {"exp": int(NOW) - LEEWAY + 1}
    assert authenticate(signed(HS256, late | {"iat": int(NOW) - 900})).subject == "alice"


BAD_CLAIMS = {
    "of another issuer": {"iss": "https://evil.example"},
    "whose issuer is only a prefix": {"iss": ISSUER + "/"},
    "whose issuer is a list": {"iss": [ISSUER]},
    "without an issuer": {"iss": None},
    "for another audience": {"aud": "https://other.example"},
    "for no audience": {"aud": None},
    "for an audience list with a number": {"aud": [AUDIENCE, 7]},
    "without an end": {"exp": None},
    "whose end is text": {"exp": str(int(NOW) + 600)},
    "whose end is true": {"exp": True},
    "whose end is a list": {"exp": [int(NOW) + 600]},
    "that lives for a year": {"exp": int(NOW) + 365 * 86400},
    "issued in the future": {"iat": int(NOW) + 3600, "exp": int(NOW) + 3700},
    "whose issue time is text": {"iat": "now"},
    "not valid yet": {"nbf": int(NOW) + 3600},
    "without a subject": {"sub": None},
    "with an empty subject": {"sub": ""},
    "with a blank subject": {"sub": "  "},
    "with a long subject": {"sub": "a" * 256},
    "whose subject has a line break": {"sub": "alice\r\nX-Admin: 1"},
    "whose subject is a number": {"sub": 7},
    "whose subject has a lone surrogate": {"sub": "\ud800"},
}


@pytest.mark.parametrize("changed", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_a_signed_token(changed):
    """A good signature does not help claims that are not in order (RFC 8725, 3.8 to 3.10)."""
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}

    with pytest.raises(InvalidToken):
        authenticate(signed(HS256, claims))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_an_end_that_is_no_finite_number(literal):
    """Python's JSON reads more numbers than JSON has."""
    claims = json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), literal).encode()

    with pytest.raises(InvalidToken):
        authenticate(signed(HS256, claims))


BAD_HEADERS = {
    "none": {"alg": "none"},
    "None": {"alg": "None"},
    "no algorithm": {"typ": "JWT"},
    "another of the family": {"alg": "HS512"},
    "another family": {"alg": "RS256"},
    "a list": {"alg": ["HS256"]},
    "a logout token": {"alg": "HS256", "typ": "logout+jwt"},
    "a lease": {"alg": "HS256", "typ": "tokensvc-lease+jwt"},
    "a type that is no text": {"alg": "HS256", "typ": 7},
    "a critical extension": {"alg": "HS256", "crit": ["exp"], "exp": 1},
    "an unencoded payload": {"alg": "HS256", "b64": False, "crit": ["b64"]},
}


@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_header(header):
    """The header does not choose the algorithm, the type or the rules (RFC 8725, 3.1, 3.11)."""
    with pytest.raises(InvalidToken):
        authenticate(signed(header, CLAIMS))


@pytest.mark.parametrize(
    "header",
    [{"jwk": {"kty": "oct", "k": "AAAA"}}, {"jku": "https://evil.example"}, {"kid": "../x"}],
)
def test_a_header_that_offers_a_key(header):
    """The key is the issuer's whatever the header says; the signature still has to be."""
    assert authenticate(signed(HS256 | header, CLAIMS)).subject == "alice"
    with pytest.raises(InvalidToken):
        authenticate(signed(HS256 | header, CLAIMS, b"\x00" * 32))


def test_an_unsigned_token():
    """Neither an empty signature nor none at all passes."""
    unsigned = f"{encoded({'alg': 'none'})}.{encoded(CLAIMS)}."

    with pytest.raises(InvalidToken):
        authenticate(unsigned)
    with pytest.raises(InvalidToken):
        authenticate(unsigned + "AA")


def test_a_public_key_as_a_secret():
    """What everybody may know signs nothing (CVE-2022-29217)."""
    public = private_key("RS256").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(InvalidToken):
        authenticate(signed(HS256, CLAIMS, pem), algorithms=("RS256",), keys=(public,))


def test_two_issuers():
    """Each is believed by its own key alone, and the same name is two people."""
    other = TrustedIssuer("https://blog.example", AUDIENCE, ("HS256",), ListedKeys((b"b" * 32,)))
    claims = CLAIMS | {"iss": other.issuer}

    alices = {
        authenticate(signed(HS256, CLAIMS), others=[other]),
        authenticate(signed(HS256, claims, b"b" * 32), others=[other]),
    }

    assert len(alices) == 2
    with pytest.raises(InvalidToken):
        authenticate(signed(HS256, claims, SECRET), others=[other])


BAD_PARTS = {
    "a claim twice": signed(HS256, b'{"sub":"eve",' + json.dumps(CLAIMS).encode()[1:]),
    "a header twice": signed(b'{"alg":"none","alg":"HS256"}', CLAIMS),
    "claims that are a list": signed(HS256, b"[1]"),
    "claims that are no JSON": signed(HS256, b"sub=alice"),
    "claims that are no UTF-8": signed(HS256, b'{"sub":"\xff"}'),
    "claims nested too deep": signed(HS256, b"[" * 2000 + b"]" * 2000),
    "a token too long": signed(HS256, CLAIMS | {"padding": "a" * 8000}),
    "a blank in it": signed(HS256, CLAIMS) + " ",
    "a letter of another alphabet": signed(HS256, CLAIMS).replace("e", "е", 1),  # noqa: RUF001 - that is the point
    "padding": signed(HS256, CLAIMS) + "=",
}


@pytest.mark.parametrize("token", BAD_PARTS.values(), ids=BAD_PARTS)
def test_a_token_with(token):
    """What is not in the one documented form is refused, signed or not."""
    with pytest.raises(InvalidToken):
        authenticate(token)


def test_a_refusal():
    """It repeats nothing of the token."""
    token = signed(HS256, CLAIMS | {"sub": "canary\n"})

    with pytest.raises(InvalidToken) as refused:
        authenticate(token)

    assert not any(
        part in f"{refused.value!r} {refused.value.detail}" for part in (token, "canary")
    )

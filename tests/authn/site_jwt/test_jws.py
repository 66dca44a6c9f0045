import base64
import json
from pathlib import Path

import pytest
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tokensvc.authn.site_jwt.jws import parse_jws
from tokensvc.authn.site_jwt.keys import fits
from tokensvc.errors import InvalidToken

# The vectors of RFC 7515 (appendix A), RFC 7520 (section 4) and RFC 8037 (appendix A.4), with only
# the public halves of their keys. Each vector that we do not verify gives the reason.
VECTORS = json.loads((Path(__file__).parent / "jws_vectors.json").read_text())
VERIFIED = [vector for vector in VECTORS if vector["verifies"]]
UNSUPPORTED = [vector for vector in VECTORS if not vector["verifies"]]


def name_of(vector):
    return f"{vector['source']} {vector['name']}"


def key_of(vector):
    key = vector["key"]
    if key["kty"] == "oct":
        return base64.urlsafe_b64decode(key["k"] + "==")
    return {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}[key["kty"]].from_jwk(key)


def verifies(text, vector):
    """Verify like the authenticator: form, allowed algorithm, fitting key, then signature."""
    allowed = {"HS256", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"}
    key, algorithm = key_of(vector), vector["alg"]
    try:
        token = parse_jws(text)
    except InvalidToken:
        return False
    return (
        algorithm in allowed
        and token.unverified_header.get("alg") == algorithm
        and fits(key, algorithm)
        and token.is_signed_by(key, algorithm)
    )


@pytest.mark.parametrize("vector", VERIFIED, ids=name_of)
def test_vector_verifies_and_fails_with_a_flipped_bit(vector):
    text = vector["jws"]
    header, payload, signature = text.split(".")

    assert verifies(text, vector)
    for part in range(3):
        for bit in (0, 1, 7):
            parts = [header, payload, signature]
            content = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
            content[len(content) // 2] ^= 1 << bit
            parts[part] = base64.urlsafe_b64encode(bytes(content)).decode().rstrip("=")
            assert not verifies(".".join(parts), vector)


@pytest.mark.parametrize("vector", UNSUPPORTED, ids=name_of)
def test_unsupported_vector_does_not_verify_and_gives_the_reason(vector):
    assert vector["why"]
    assert not verifies(vector["jws"], vector)


def test_all_vectors_of_the_rfcs_are_present():
    assert (len(VERIFIED), len(UNSUPPORTED)) == (6, 10)


@pytest.mark.parametrize("vector", VERIFIED, ids=name_of)
def test_vector_does_not_verify_with_another_vectors_key(vector):
    for other in VERIFIED:
        if other["key"] != vector["key"] and fits(key_of(other), vector["alg"]):
            assert not parse_jws(vector["jws"]).is_signed_by(key_of(other), vector["alg"])

"""Parses a JWS in compact form (RFC 7515, section 7.1) strictly, and verifies its signature."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from jwt.utils import base64url_decode, base64url_encode

from tokensvc import strict_json
from tokensvc.authn.site_jwt.keys import PublicKey
from tokensvc.errors import InvalidToken

LONGEST_TOKEN = 16_000  # bytes; one that lists 150 groups has 8,500
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, repr=False)
class UnverifiedJws:
    """A parsed token whose signature is not verified yet."""

    unverified_header: dict[str, Any]
    unverified_payload: bytes
    signed_part: bytes
    signature: bytes

    def is_signed_by(self, key: PublicKey | bytes, algorithm: str) -> bool:
        """Return whether *key* signed the token with *algorithm*, whatever its header says."""
        try:
            verifier = _ALGORITHMS.get_algorithm_by_name(algorithm)
            prepared = _prepared_secret(algorithm, key) if isinstance(key, bytes) else verifier.prepare_key(key)
            if verifier.check_key_length(prepared):  # what is wrong with it
                return False
            return verifier.verify(self.signed_part, prepared, self.signature)
        except Exception:  # noqa: BLE001 - any error means that it is not verified
            return False


# PyJWT's `decode` would parse the token again.
_ALGORITHMS = jwt.PyJWS()


@lru_cache(maxsize=32)
def _prepared_secret(algorithm: str, secret: bytes) -> bytes:
    """Return *secret* as PyJWT uses it, after its check that it is not a public key."""
    prepared: bytes = _ALGORITHMS.get_algorithm_by_name(algorithm).prepare_key(secret)
    return prepared


def parse_jws(unverified: str) -> UnverifiedJws:
    """Split a token into its parts, without verifying the signature; raise InvalidToken if it is not in this form."""
    if len(unverified) > LONGEST_TOKEN or not _COMPACT.fullmatch(unverified):
        raise InvalidToken(cause="not in compact form, or too long")
    header, payload, signature = unverified.split(".")
    return UnverifiedJws(
        json_object(_bytes_of(header)), _bytes_of(payload), f"{header}.{payload}".encode(), _bytes_of(signature)
    )


def json_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in *content*; raise InvalidToken for anything else, or if a key occurs twice."""
    try:
        value = strict_json.loads(content)
    except ValueError:
        raise InvalidToken(cause="part is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidToken(cause="part is not a JSON object")
    return value


def _bytes_of(part: str) -> bytes:
    try:
        content = base64url_decode(part)
    except ValueError:
        raise InvalidToken(cause="part is not base64url") from None
    # The last character has unused bits, so the same bytes could be encoded in several ways.
    if base64url_encode(content) != part.encode():
        raise InvalidToken(cause="part is not canonical base64url")
    return content

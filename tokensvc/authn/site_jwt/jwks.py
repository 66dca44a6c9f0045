"""Parses an untrusted JWK Set (RFC 7517) and keeps the keys that can verify signatures.

A provider's fault in one key costs that key alone, and an empty member counts as absent.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.x509 import load_pem_x509_certificate
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tokensvc.authn.site_jwt.keys import PublicKey, fits, weakness

_LONGEST_KID = 128  # characters
_SECRET_MEMBERS = {"d", "k", "p", "q", "dp", "dq", "qi", "oth"}  # RFC 7518, section 6
_READERS: dict[str | None, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
_NAMES = {name.lower(): name for name in ("RSA", "EC", "OKP", "P-256", "P-384", "Ed25519")}

# By `kid` (None for a key without one) and algorithm; several keys may share both.
PublishedKeys = Mapping[tuple[str | None, str], tuple[PublicKey, ...]]


class UnusableJwks(Exception):  # noqa: N818 - says what it is
    """The provider's response contains no usable key."""


def read_jwks(content: bytes, algorithms: Sequence[str]) -> PublishedKeys:
    """Return the keys in *content* that are usable with *algorithms*.

    Besides a JWK Set, this reads Google's older form: an object of certificates by `kid`.

    Raises:
        UnusableJwks: if it is not a JSON object, or has no usable key.
    """
    found: dict[tuple[str | None, str], tuple[PublicKey, ...]] = {}
    for member in _listed(_json_object(content)):
        key = _key_of(member)
        for name in algorithms:
            if key is not None and fits(key, name) and _is_for(member, name):
                identity = (member.get("kid"), name)
                alike = found.get(identity, ())
                found[identity] = alike if key in alike else (*alike, key)
    if not found:
        raise UnusableJwks(f"has no key for {' or '.join(algorithms)}")
    return found


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        # Some providers' files have a byte order mark, or are in UTF-16.
        text = content.decode(json.detect_encoding(content), "replace").strip("\ufeff\0 \t\r\n")
        document = json.loads(text, object_pairs_hook=_members, parse_int=float, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise UnusableJwks("is not a JSON object")
    return document


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any] | None:
    """Return an object without its empty members; None if a name repeats (RFC 7517, section 4)."""
    if len(dict(pairs)) != len(pairs):
        return None
    return {name: value for name, value in pairs if value not in (None, "", [], {})}


def _listed(document: dict[str, Any]) -> list[dict[str, Any]]:
    keys = document.get("keys")
    if isinstance(keys, list):
        return [member for member in keys if isinstance(member, dict)]
    return [{"kid": kid, "certificate": value} for kid, value in document.items()]


def _key_of(member: dict[str, Any]) -> PublicKey | None:
    """Return the key, or None if we must not or cannot use it."""
    kid = member.get("kid", "")
    # A private key that anyone can fetch proves nothing.
    if not isinstance(kid, str) or len(kid) > _LONGEST_KID or _SECRET_MEMBERS & member.keys():
        return None
    try:
        key = _read_key(member)
    except Exception:  # noqa: BLE001 - one invalid key must not spoil the others
        return None
    return key if isinstance(key, PublicKey) and not weakness(key) else None


def _read_key(member: dict[str, Any]) -> object:
    if "kty" not in member:
        return load_pem_x509_certificate(member["certificate"].encode()).public_key()
    names = {name: _NAMES.get(str(member.get(name)).lower()) for name in ("kty", "crv")}
    return _READERS[names["kty"]].from_jwk(member | names)


def _is_for(member: dict[str, Any], algorithm: str) -> bool:
    """Return whether a key may verify *algorithm*; what it does not state is allowed."""
    operations = member.get("key_ops", ["verify"])
    return (
        str(member.get("use", "sig")).lower() == "sig"
        and isinstance(operations, list)
        and "verify" in [str(name).lower() for name in operations]
        and str(member.get("alg", algorithm)).lower() == algorithm.lower()
    )

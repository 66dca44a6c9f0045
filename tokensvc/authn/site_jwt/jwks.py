"""Parses an untrusted JWK Set (RFC 7517) and keeps the keys that can verify signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tokensvc.authn.site_jwt.jws import json_object
from tokensvc.authn.site_jwt.keys import PublicKey, fits, weakness
from tokensvc.errors import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_KEYS = 50
_LONGEST_KID = 128  # characters
_SECRET_MEMBERS = {"d", "k", "p", "q", "dp", "dq", "qi", "oth"}  # RFC 7518, section 6


class UnusableJwks(Exception):  # noqa: N818 - says what it is
    """The provider's response contains no usable key set."""


@dataclass(frozen=True)
class PublishedKey:
    """A key, and which of the issuer's algorithms it may be used with."""

    key: PublicKey = field(repr=False)
    algorithms: frozenset[str]


PublishedKeys = Mapping[str | None, PublishedKey]  # by `kid`; None for a key without one


def read_jwks(content: bytes, algorithms: Sequence[str]) -> PublishedKeys:
    """Return the keys in *content* that are usable with *algorithms*, by `kid`.

    Raises:
        UnusableJwks: if it is not a JWK Set, is too large, has no usable key, or has two usable
            keys with the same `kid`.
    """
    try:
        listed = json_object(content).get("keys")
    except InvalidToken:
        raise UnusableJwks("is not a JSON object") from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise UnusableJwks(f"has no list of keys, or more than {MOST_KEYS} keys")
    kept: dict[str | None, PublishedKey] = {}
    for member in listed:
        key = _published_key(member, algorithms) if isinstance(member, dict) else None
        if key is None:
            continue
        if member.get("kid") in kept:
            raise UnusableJwks("has two keys with the same kid")
        kept[member.get("kid")] = key
    if not kept:
        raise UnusableJwks(f"has no key for {' or '.join(algorithms)}")
    return kept


def _published_key(member: dict[str, Any], algorithms: Sequence[str]) -> PublishedKey | None:
    """Return the key, or None if we must not or cannot use it."""
    if not _is_for_signatures(member) or not _has_valid_kid(member) or _is_secret(member):
        return None
    key = _key_of(member)
    if key is None or weakness(key):
        return None
    # A key without `alg` may be used with any algorithm that fits it.
    allowed = [name for name in algorithms if member.get("alg", name) == name]
    usable = frozenset(name for name in allowed if fits(key, name))
    return PublishedKey(key, usable) if usable else None


def _is_for_signatures(member: dict[str, Any]) -> bool:
    operations = member.get("key_ops", ["verify"])  # optional, like `use`
    return member.get("use", "sig") == "sig" and (
        isinstance(operations, list) and "verify" in operations
    )


def _has_valid_kid(member: dict[str, Any]) -> bool:
    kid = member.get("kid")
    return "kid" not in member or (isinstance(kid, str) and 0 < len(kid) <= _LONGEST_KID)


def _is_secret(member: dict[str, Any]) -> bool:
    # A private key that anyone can fetch proves nothing.
    return not _SECRET_MEMBERS.isdisjoint(member)


def _key_of(member: dict[str, Any]) -> PublicKey | None:
    readers: dict[str, Callable[[dict[str, Any]], object]] = {
        "RSA": RSAAlgorithm.from_jwk,
        "EC": ECAlgorithm.from_jwk,
        "OKP": OKPAlgorithm.from_jwk,
    }
    reader = readers.get(str(member.get("kty")))
    if reader is None:
        return None
    try:
        key = reader(member)
    except Exception:  # noqa: BLE001 - one invalid key must not spoil the others
        return None
    return key if isinstance(key, PublicKey) else None

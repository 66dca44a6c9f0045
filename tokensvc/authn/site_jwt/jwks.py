"""Reads a JWK Set (RFC 7517) as if its sender meant harm: only keys fit for signatures are kept."""

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
    """An answer from which no keys can be taken."""


@dataclass(frozen=True)
class PublishedKey:
    """A key, and those of its issuer's algorithms that it is for."""

    key: PublicKey = field(repr=False)
    algorithms: frozenset[str]


PublishedKeys = Mapping[str | None, PublishedKey]


def read_jwks(content: bytes, algorithms: Sequence[str]) -> PublishedKeys:
    """The keys in *content* that are fit for *algorithms*, by `kid`; one key may have none.

    Raises:
        UnusableJwks: where it is no JWK Set, has over `MOST_KEYS`, none that is fit, or two that
            are fit of one name.
    """
    try:
        listed = json_object(content).get("keys")
    except InvalidToken:
        raise UnusableJwks("is no JSON object") from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise UnusableJwks(f"has no list of keys, or one of more than {MOST_KEYS}")
    kept: dict[str | None, PublishedKey] = {}
    for member in listed:
        key = _published_key(member, algorithms) if isinstance(member, dict) else None
        if key is None:
            continue
        if member.get("kid") in kept:
            raise UnusableJwks("has two keys of one name")
        kept[member.get("kid")] = key
    if not kept:
        raise UnusableJwks(f"has no key for {' or '.join(algorithms)}")
    return kept


def _published_key(member: dict[str, Any], algorithms: Sequence[str]) -> PublishedKey | None:
    """The key, or None for one that is not for us."""
    if not _is_for_signatures(member) or not _has_a_plain_name(member) or _is_secret(member):
        return None
    key = _key_of(member)
    if key is None or weakness(key):
        return None
    meant_for = [name for name in algorithms if member.get("alg", name) == name]
    fit = frozenset(name for name in meant_for if fits(key, name))
    return PublishedKey(key, fit) if fit else None


def _is_for_signatures(member: dict[str, Any]) -> bool:
    operations = member.get("key_ops", ["verify"])
    return member.get("use", "sig") == "sig" and (
        isinstance(operations, list) and "verify" in operations
    )


def _has_a_plain_name(member: dict[str, Any]) -> bool:
    kid = member.get("kid")
    return "kid" not in member or (isinstance(kid, str) and 0 < len(kid) <= _LONGEST_KID)


def _is_secret(member: dict[str, Any]) -> bool:
    # A private key that everybody can fetch signs for everybody.
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
    except Exception:  # noqa: BLE001 - one broken key says nothing about the others
        return None
    return key if isinstance(key, PublicKey) else None

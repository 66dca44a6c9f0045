"""Says which keys can verify which signatures, and which keys are too weak."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeGuard

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

if TYPE_CHECKING:
    from collections.abc import Sequence

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
SHORTEST_RSA_KEY = 2048  # bits (RFC 8725, section 3.5, by way of NIST SP 800-131A)
LONGEST_RSA_KEY = 8192  # bits: a longer key could be chosen to make each check slow
_RSA = {"RS256", "RS384", "RS512", "PS256"}
_CURVES = {"ES256": SECP256R1, "ES384": SECP384R1}


class Keys(Protocol):
    """Provides an issuer's keys; one of type bytes is the secret of HS256."""

    def for_token(self, algorithm: str, unverified_kid: str | None) -> Sequence[PublicKey | bytes]:
        """Return the keys that may have signed a token with *algorithm* and *unverified_kid*.

        Raises:
            TemporarilyUnavailable: if no key of the issuer is known yet.
        """
        ...


@dataclass(frozen=True)
class ListedKeys:
    """Keys that the configuration lists, newest first; there are several during a rotation."""

    listed: tuple[PublicKey | bytes, ...] = field(repr=False)

    def for_token(
        self,
        algorithm: str,
        unverified_kid: str | None,  # noqa: ARG002 - listed keys have no kid
    ) -> Sequence[PublicKey | bytes]:
        """Return every listed key that fits *algorithm*."""
        return [key for key in self.listed if fits(key, algorithm)]


def fits(key: object, algorithm: str) -> TypeGuard[PublicKey | bytes]:
    """Return whether *algorithm* takes this kind of *key* (RFC 7518, section 3.1; RFC 8037)."""
    if algorithm in _CURVES:
        return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, _CURVES[algorithm])
    if algorithm == "EdDSA":
        return isinstance(key, Ed25519PublicKey)
    if algorithm == "HS256":
        return isinstance(key, bytes)
    return algorithm in _RSA and isinstance(key, RSAPublicKey)


def weakness(key: PublicKey | bytes) -> str | None:
    """Return why *key* must not be used, or None if it may be used."""
    if isinstance(key, RSAPublicKey) and key.key_size < SHORTEST_RSA_KEY:
        return f"is shorter than {SHORTEST_RSA_KEY} bits"
    if isinstance(key, RSAPublicKey) and key.key_size > LONGEST_RSA_KEY:
        return f"is longer than {LONGEST_RSA_KEY} bits"
    return None

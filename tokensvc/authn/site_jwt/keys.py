"""Says which keys can verify which signatures, and which keys are too weak."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
SHORTEST_RSA_KEY = 2048  # bits (RFC 8725, section 3.5, by way of NIST SP 800-131A)
LONGEST_RSA_KEY = 8192  # bits: a longer key could be chosen to make each check slow
_RSA_EXPONENTS = range(65537, 2**64)  # NIST SP 800-56B; a longer one makes each check slow
_SMALL_FACTORS = math.factorial(1000)
_SQUARES = {0, 1, 4, 9}  # what a square leaves when divided by 16
# Those of which 65537 generates only some of the remainders.
_ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
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


def fits(key: PublicKey | bytes, algorithm: str) -> bool:
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
    if not isinstance(key, RSAPublicKey):
        return None
    if key.key_size < SHORTEST_RSA_KEY:
        return f"is shorter than {SHORTEST_RSA_KEY} bits"
    if key.key_size > LONGEST_RSA_KEY:
        return f"is longer than {LONGEST_RSA_KEY} bits"
    numbers = key.public_numbers()
    if numbers.e not in _RSA_EXPONENTS or numbers.e % 2 == 0:
        return "has an exponent that is even, under 65537, or over 64 bits"
    if _can_be_factored(numbers.n):
        return "is of a generator whose keys can be factored"
    return None


def _can_be_factored(modulus: int) -> bool:
    """Return whether *modulus* has a small factor, two close ones, or is of the ROCA generator."""
    if math.gcd(modulus, _SMALL_FACTORS) > 1:
        return True
    # Fermat's method, a few steps: primes chosen one after the other (CVE-2022-26320).
    root = math.isqrt(modulus - 1) + 1
    for half_sum in range(root, root + 100):
        square = half_sum * half_sum - modulus
        if square % 16 in _SQUARES and math.isqrt(square) ** 2 == square:
            return True
    # Infineon's primes are powers of 65537 for each of these (CVE-2017-15361).
    return all(modulus % prime in {pow(65537, power, prime) for power in range(prime)} for prime in _ROCA_PRIMES)

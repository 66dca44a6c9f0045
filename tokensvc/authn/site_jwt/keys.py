"""Loads the public keys of issuers from PEM files, and says which verify which signatures, and which are too weak."""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
MOST_KEYS = 10  # in a file
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
SHORTEST_RSA_KEY = 2048  # bits (RFC 8725, section 3.5, by way of NIST SP 800-131A)
LONGEST_RSA_KEY = 8192  # bits: a longer key could be chosen to make each check slow
_RSA_EXPONENTS = range(65537, 2**64)  # NIST SP 800-56B; a longer one makes each check slow
_SMALL_FACTORS = math.factorial(1000)
_SQUARES = {0, 1, 4, 9}  # what a square leaves when divided by 16
# Those of which 65537 generates only some of the remainders.
_ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
_RSA = {"RS256", "RS384", "RS512", "PS256"}
_CURVES = {"ES256": SECP256R1, "ES384": SECP384R1}


# Takes the algorithm and the unverified `kid` of a token; returns the keys that may have signed it. One of type bytes
# is the secret of HS256. Raises TemporarilyUnavailable if no key of the issuer is known yet.
Keys = Callable[[str, str | None], Sequence[PublicKey | bytes]]


def listed_keys(listed: Sequence[PublicKey | bytes]) -> Keys:
    """Return the keys that the configuration lists; there are several during a rotation."""
    return lambda algorithm, _kid: [key for key in listed if fits(key, algorithm)]


def load_public_keys(path: Path, algorithms: Sequence[str]) -> tuple[PublicKey, ...]:
    """Return the keys in the PEM file at *path*, in order; there are several during a rotation.

    Raises:
        ValueError: if the file is not valid, a key is weak or fits none of *algorithms*, or one of
            *algorithms* has no key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    blocks = [match.group() for match in _BLOCK.finditer(content)]
    if not 0 < len(blocks) <= MOST_KEYS:
        raise ValueError(f"{path} has no public key in PEM form, or more than {MOST_KEYS}")
    keys = tuple(_key(block, path, algorithms) for block in blocks)
    for algorithm in algorithms:
        if not any(fits(key, algorithm) for key in keys):
            raise ValueError(f"no key in {path} can be used with {algorithm}")
    return keys


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


def _key(block: bytes, path: Path, algorithms: Sequence[str]) -> PublicKey:
    try:
        key = load_pem_public_key(block)
    except Exception:  # noqa: BLE001 - cryptography raises several kinds
        raise ValueError(f"{path} has a block that is not a public key in PEM form") from None
    if not isinstance(key, PublicKey) or not any(fits(key, name) for name in algorithms):
        raise ValueError(f"a key in {path} cannot be used with {' or '.join(algorithms)}")
    if weak := weakness(key):
        raise ValueError(f"a key in {path} {weak}")
    return key

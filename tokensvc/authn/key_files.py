"""Loads the public keys of issuers from PEM files, and refuses weak ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
SHORTEST_RSA_KEY = 2048  # bits (RFC 8725, section 3.5, by way of NIST SP 800-131A)
_CURVES = {"ES256": SECP256R1, "ES384": SECP384R1}


def load_public_key(path: Path, algorithms: Sequence[str]) -> PublicKey:
    """The key in the PEM file at *path*, fit for every one of *algorithms*.

    Raises:
        ValueError: saying what is wrong with the file or the key.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except Exception:  # noqa: BLE001 - cryptography raises several kinds for a broken file
        raise ValueError(f"{path} holds no public key in PEM form") from None
    for algorithm in algorithms:
        if not _fits(key, algorithm):
            raise ValueError(f"the key in {path} is not one for {algorithm}")
    if isinstance(key, RSAPublicKey) and key.key_size < SHORTEST_RSA_KEY:
        raise ValueError(f"the RSA key in {path} is shorter than {SHORTEST_RSA_KEY} bits")
    assert isinstance(key, PublicKey)  # noqa: S101 - every algorithm above is one of the three
    return key


def _fits(key: object, algorithm: str) -> bool:
    if algorithm in _CURVES:
        return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, _CURVES[algorithm])
    if algorithm == "EdDSA":
        return isinstance(key, Ed25519PublicKey)
    return isinstance(key, RSAPublicKey)

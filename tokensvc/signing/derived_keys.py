"""Derives a key for each purpose from the service's secret key (RFC 5869)."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Return 32 bytes that reveal neither *secret* nor another purpose's key."""
    return HKDF(SHA256(), length=32, salt=None, info=f"tokensvc {purpose}".encode()).derive(secret)

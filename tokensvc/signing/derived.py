"""Derives a key for each purpose from the service's secret key, and pseudonyms of people from such a key."""

import hmac
import json

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tokensvc.domain import Principal


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Return 32 bytes that reveal neither *secret* nor another purpose's key (RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=None, info=f"tokensvc {purpose}".encode()).derive(secret)


def pseudonym(key: bytes, principal: Principal) -> str:
    """Return 32 hexadecimal digits by which Google may tell a site's visitors apart, without knowing them."""
    person = json.dumps([principal.issuer, principal.subject]).encode()
    return hmac.digest(key, person, "sha256").hex()[:32]

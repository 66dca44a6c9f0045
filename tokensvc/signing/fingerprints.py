"""Takes fingerprints of random secrets, so that the store need not contain the secrets."""

from __future__ import annotations

import hashlib


def fingerprint(secret: str) -> str:
    """Return the SHA-256 of *secret*, hex: safe for 128 random bits or more, not for passwords."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

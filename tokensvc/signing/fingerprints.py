"""Fingerprints random secrets, so that the store need not contain them."""

import hashlib


def fingerprint(secret: str) -> str:
    """Return *secret*'s SHA-256 in hex: safe for 128 or more random bits, not for passwords."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

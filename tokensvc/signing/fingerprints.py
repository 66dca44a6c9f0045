"""Secrets that say nothing by themselves: a store knows them by their fingerprint alone."""

from __future__ import annotations

import hashlib


def fingerprint(secret: str) -> str:
    """SHA-256, hex. Enough for a random secret of 128 bits or more; never for a password."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

"""Seals a file of many lines: HMAC-SHA256 over the lines and their count (RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac


class Seal:
    """A seal over the lines added so far."""

    def __init__(self, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod=hashlib.sha256)
        self.lines = 0

    def add(self, line: bytes) -> None:
        """Add the next line, including its line end."""
        self._mac.update(line)
        self.lines += 1

    def text(self) -> str:
        """Return the seal as text."""
        mac = self._mac.copy()
        mac.update(str(self.lines).encode())
        return f"{self.lines} {mac.hexdigest()}"

    def matches(self, unverified: str) -> bool:
        """Return whether *unverified* is this seal."""
        return hmac.compare_digest(self.text().encode(), unverified.encode())

"""Seals a text of many lines: HMAC-SHA256 over all of them and their number (RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac


class Seal:
    """Takes lines one after the other."""

    def __init__(self, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod=hashlib.sha256)
        self.lines = 0

    def add(self, line: bytes) -> None:
        """Take the next line, its end included."""
        self._mac.update(line)
        self.lines += 1

    def text(self) -> str:
        """The seal on all lines so far."""
        mac = self._mac.copy()
        mac.update(str(self.lines).encode())
        return f"{self.lines} {mac.hexdigest()}"

    def fits(self, unverified: str) -> bool:
        """Whether *unverified* is the seal on these lines."""
        return hmac.compare_digest(self.text().encode(), unverified.encode())

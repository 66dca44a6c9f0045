"""Seals a file of many lines: HMAC-SHA256 over the lines and their count (RFC 2104)."""

import hashlib
import hmac

START = b"# sealed "  # of the line with the seal


class Seal:
    """A seal over the lines added so far."""

    def __init__(self, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod=hashlib.sha256)
        self.lines = 0

    def add(self, line: bytes) -> None:
        """Add the next line, including its line end."""
        self._mac.update(line)
        self.lines += 1

    def line(self) -> bytes:
        """Return the line that ends the file."""
        mac = self._mac.copy()
        mac.update(str(self.lines).encode())
        return START + f"{self.lines} {mac.hexdigest()}\n".encode()

    def matches(self, unverified: bytes) -> bool:
        """Return whether *unverified* is the line that ends the file, byte for byte."""
        return hmac.compare_digest(self.line(), unverified)

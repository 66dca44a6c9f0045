"""Seals a file of many lines: HMAC-SHA256 over the lines and their count (RFC 2104).

The last line is `# sealed COUNT MAC key ID`. Earlier releases wrote no key.
"""

import hashlib
import hmac
import re

from tokensvc.signing.derived import derive_key

START = b"# sealed "  # of the line with the seal
_KEY_ID = re.compile(rb" key ([0-9a-f]{8})\n")


class Seal:
    """A seal over the lines added so far, with a key that is derived from a secret."""

    def __init__(self, secret: bytes) -> None:
        self._mac = hmac.new(derive_key(secret, "audit export"), digestmod=hashlib.sha256)
        self.key_id = derive_key(secret, "audit export key id")[:4].hex()  # reveals nothing of either
        self.lines = 0

    def add(self, line: bytes) -> None:
        """Add the next line, including its line end."""
        self._mac.update(line)
        self.lines += 1

    def line(self) -> bytes:
        """Return the line that ends the file."""
        return self._line(f" key {self.key_id}")

    def matches(self, unverified: bytes) -> bool:
        """Return whether *unverified* is the line that ends the file, byte for byte."""
        return any(hmac.compare_digest(line, unverified) for line in (self.line(), self._line("")))

    def _line(self, key: str) -> bytes:
        mac = self._mac.copy()
        mac.update(f"{self.lines}{key}".encode())
        return START + f"{self.lines} {mac.hexdigest()}{key}\n".encode()


def unverified_key_id(line: bytes) -> str | None:
    """Return the key that the *line* with the seal names, or None if it names none."""
    found = _KEY_ID.search(line)
    return found[1].decode() if found else None

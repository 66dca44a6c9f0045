"""Canary secrets, and a search for them in every encoding in which they could leak."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

# A shorter text could occur by chance.
MIN_LENGTH = 12


def encodings(secret: str) -> set[bytes]:
    """Return *secret* in every encoding in which a careless program might write it."""
    plain = secret.encode()
    quoted = json.dumps(secret)[1:-1]
    found = {
        plain,
        quoted.encode(),
        json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        json.dumps(quoted)[1:-1].encode(),  # JSON in a JSON line
        repr(secret)[1:-1].encode(),
        json.dumps(repr(secret))[1:-1].encode(),
        quote(secret).encode(),
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
        plain.hex().encode(),
        plain.hex().upper().encode(),
        plain.hex(":").encode(),
    }
    for shift in range(3):
        # The part of the base64 that does not depend on what surrounds the secret.
        encoded = base64.b64encode(b"\0" * shift + plain)
        inner = encoded[4 if shift else 0 : -4]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return {encoding for encoding in found if len(encoding) >= MIN_LENGTH}


@dataclass
class Canaries:
    """The canary secrets by name."""

    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def generate(cls) -> Canaries:
        """Create the secrets that are known before the service starts."""
        canaries = cls()
        for name in ("first key", "second key"):
            canaries.add(name, "AIzaSy" + secrets.token_urlsafe(24))
        for name in ("secret key", "issuer secret"):
            canaries.add(name, secrets.token_urlsafe(36))
        for name in ("password", "wrong password"):
            # Contains a character that each kind of escaping changes.
            canaries.add(name, f"pass \"wörd\" \\ + & {secrets.token_urlsafe(12)} ☂ 'x'")
        return canaries

    def __getitem__(self, name: str) -> str:
        return self.secrets[name]

    def add(self, name: str, secret: str) -> str:
        """Search for *secret* too, and for the claims and the signature of a JWT separately."""
        self.secrets[name] = secret
        if secret.count(".") == 2:
            _, claims, signature = secret.split(".")
            self.secrets |= {f"{name}, claims": claims, f"{name}, signature": signature}
        return secret

    def found_in(self, content: bytes) -> dict[str, bytes]:
        """Return the names of the secrets in *content*, each with the encoding found."""
        return {
            name: encoding
            for name, secret in self.secrets.items()
            for encoding in encodings(secret)
            if encoding in content
        }

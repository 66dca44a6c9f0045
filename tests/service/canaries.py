"""Secrets that are easy to recognise, in whatever spelling they get out."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

# Told apart from other text by their length alone; a shorter piece could be found by chance.
SHORTEST = 12


def spellings(secret: str) -> set[bytes]:
    """*secret* as a careless program might write it down."""
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
        # Base64 of a text that holds the secret at any place: what of it does not depend on the
        # neighbours.
        encoded = base64.b64encode(b"\0" * shift + plain)
        inner = encoded[4 if shift else 0 : -4]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return {spelling for spelling in found if len(spelling) >= SHORTEST}


@dataclass
class Canaries:
    """Secrets by what they are for."""

    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def hatched(cls) -> Canaries:
        """Those that are known before the service starts."""
        canaries = cls()
        for name in ("first key", "second key"):
            canaries.add(name, "AIzaSy" + secrets.token_urlsafe(24))
        for name in ("secret key", "issuer secret"):
            canaries.add(name, secrets.token_urlsafe(36))
        for name in ("password", "wrong password"):
            # With what each of the escapes changes.
            canaries.add(name, f"pass \"wörd\" \\ + & {secrets.token_urlsafe(12)} ☂ 'x'")
        return canaries

    def __getitem__(self, name: str) -> str:
        return self.secrets[name]

    def add(self, name: str, secret: str) -> str:
        """Look for *secret* too; a JWT's claims and signature are looked for by themselves."""
        self.secrets[name] = secret
        if secret.count(".") == 2:
            _, claims, signature = secret.split(".")
            self.secrets |= {f"{name}, claims": claims, f"{name}, signature": signature}
        return secret

    def found_in(self, content: bytes) -> dict[str, bytes]:
        """The names of those that *content* holds, with the spelling they were found in."""
        return {
            name: spelling
            for name, secret in self.secrets.items()
            for spelling in spellings(secret)
            if spelling in content
        }

"""A site that signs JWTs for its visitors, and forged JWTs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass

import jwt

SECRET = "the-shop-signs-with-this-in-tests-0123456789"

# Goes before [profiles]; the secret is the variable SHOP_SECRET.
ISSUER = """
[[issuers]]
name = "shop"
issuer = "https://shop.test/"
audience = "https://tokens.test/"
algorithms = ["HS256"]
secret_env = "SHOP_SECRET"
"""


def claims(subject: str, **changed: object) -> dict[str, object]:
    """Return valid claims, *changed*; a claim changed to None is left out."""
    now = int(time.time())
    whole = {
        "iss": "https://shop.test/",
        "aud": "https://tokens.test/",
        "sub": subject,
        "iat": now,
        "exp": now + 600,
    }
    return {name: value for name, value in (whole | changed).items() if value is not None}


def signed(subject: str = "ada", *, secret: str = SECRET, **changed: object) -> str:
    """Return a visitor's JWT."""
    return jwt.encode(claims(subject, **changed), secret, algorithm="HS256")


@dataclass(frozen=True)
class Forgery:
    """A JWT encoded by hand, with content that a library would refuse to write."""

    header: object
    payload: object
    secret: str = SECRET

    def __str__(self) -> str:
        content = ".".join(_part(_json(part)) for part in (self.header, self.payload))
        mac = hmac.digest(self.secret.encode(), content.encode(), hashlib.sha256)
        return f"{content}.{_part(mac)}"


def _json(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

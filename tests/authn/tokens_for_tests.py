"""Signs valid and invalid JWTs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

NOW = 1_790_000_000.0
SECRET = b"the-site's-secret-for-these-tests-only"
ISSUER = "https://shop.example"
AUDIENCE = "https://tokens.shop.example"
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": int(NOW), "exp": int(NOW) + 600}


@cache
def private_key(algorithm: str):
    """Return a private key for *algorithm*."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())
    return rsa.generate_private_key(65537, 2048)


def encoded(part: bytes | dict) -> str:
    """Encode one part of a compact JWS."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(header: bytes | dict, claims: bytes | dict, secret: bytes = SECRET) -> str:
    """Sign any header and claims with HS256, valid or not."""
    signing_input = f"{encoded(header)}.{encoded(claims)}"
    mac = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{encoded(mac)}"

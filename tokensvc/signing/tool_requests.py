"""Signs the requests to tools that are endpoints, so that a backend in any language knows who is asking."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from jwt.utils import base64url_encode

from tokensvc.signing.derived import derive_key

LIFETIME = 60  # seconds


class ToolRequestSigner:
    """Signs JWTs by EdDSA (RFC 8037), with a key derived from the newest secret key."""

    def __init__(self, secret_keys: Sequence[bytes], issuer: str, clock: Callable[[], float] = time.time) -> None:
        """*secret_keys* newest first; *issuer* is the service's own address, *clock* in seconds since the epoch."""
        keys = [Ed25519PrivateKey.from_private_bytes(derive_key(key, "tool request")) for key in secret_keys]
        self._key = keys[0]
        self._published = [_jwk(key) for key in keys]
        self._issuer = issuer
        self._clock = clock

    def sign(self, claims: dict[str, Any]) -> str:
        """Return a JWT of *claims* that is valid for `LIFETIME` seconds."""
        now = int(self._clock())
        content = {"iss": self._issuer, **claims, "iat": now, "exp": now + LIFETIME}
        headers = {"typ": "tokensvc-tool+jwt", "kid": self._published[0]["kid"]}
        return jwt.encode(content, self._key, "EdDSA", headers)

    def key_set(self) -> dict[str, Any]:
        """Return the public keys as a JWK Set (RFC 7517): the current one and, while keys rotate, older ones."""
        return {"keys": self._published}


def _jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    written = json.dumps(public, separators=(",", ":"), sort_keys=True).encode()
    thumbprint = base64url_encode(hashlib.sha256(written).digest()).decode()  # RFC 7638
    return public | {"kid": thumbprint, "alg": "EdDSA", "use": "sig"}

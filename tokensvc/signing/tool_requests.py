"""Signs the requests to tools that are endpoints, so that a backend in any language knows who is asking."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tokensvc.signing.derived_keys import derive_key

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
        header = {"alg": "EdDSA", "typ": "tokensvc-tool+jwt", "kid": self._published[0]["kid"]}
        content = {"iss": self._issuer, **claims, "iat": now, "exp": now + LIFETIME}
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in (header, content))
        return (signed + b"." + _base64url(self._key.sign(signed))).decode()

    def key_set(self) -> dict[str, Any]:
        """Return the public keys as a JWK Set (RFC 7517): the current one and, while keys rotate, older ones."""
        return {"keys": self._published}


def _jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    public = _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    required = {"crv": "Ed25519", "kty": "OKP", "x": public}
    thumbprint = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()  # RFC 7638
    return required | {"kid": _base64url(thumbprint).decode(), "alg": "EdDSA", "use": "sig"}


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")

"""Signs and verifies leases, which are JWTs that allow a conversation to be continued."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt

from tokensvc.domain import Lease, Principal
from tokensvc.errors import LeaseOver, LeaseRefused
from tokensvc.signing.derived_keys import derive_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jwt.types import Options

TYPE = "tokensvc-lease+jwt"
# The end is checked below against our own clock; only this service reads a lease.
_UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


class LeaseSigner:
    """Derives a lease key from each secret key; signs with the newest, verifies with any."""

    def __init__(self, secret_keys: Sequence[bytes], clock: Callable[[], datetime]) -> None:
        """*secret_keys* are newest first; *clock* returns the time in UTC."""
        self._keys = [derive_key(key, "lease") for key in secret_keys]
        self._clock = clock

    def sign(self, lease: Lease) -> str:
        """Return the signed lease: a secret, for its owner only."""
        claims = {
            "jti": lease.id,
            "iss": lease.principal.issuer,
            "sub": lease.principal.subject,
            "kind": lease.principal.kind,
            "profile": lease.profile,
            "options": lease.options,
            "iat": int(lease.started_at.timestamp()),
            "exp": int(lease.expires_at.timestamp()),
        }
        # A JWS with a constant header (RFC 7515, A.1); PyJWT would examine the key each time.
        signed = _HEADER + b"." + _base64url(json.dumps(claims, separators=(",", ":")).encode())
        signature = hmac.digest(self._keys[0], signed, "sha256")
        return (signed + b"." + _base64url(signature)).decode()

    def verify(self, unverified_lease: str) -> Lease:
        """Return the lease.

        Raises:
            LeaseOver: if it has expired.
            LeaseRefused: if it is invalid for any other reason.
        """
        for key in self._keys:
            try:
                decoded = jwt.decode_complete(
                    unverified_lease,
                    key,
                    algorithms=["HS256"],
                    options={"require": ["jti", "iss", "sub", "iat", "exp"], **_UNCHECKED},
                )
            except jwt.InvalidSignatureError:
                continue
            except Exception as error:  # noqa: BLE001 - any error means that it is not valid
                raise LeaseRefused(cause=type(error).__name__) from None
            if decoded["header"].get("typ") != TYPE:
                raise LeaseRefused(cause="another type of token")
            lease = _lease(decoded["payload"])
            if lease.expires_at <= self._clock():
                raise LeaseOver(cause="expired")
            return lease
        raise LeaseRefused(cause="not signed by our keys")


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


_HEADER = _base64url(json.dumps({"alg": "HS256", "typ": TYPE}, separators=(",", ":")).encode())


def _lease(claims: dict[str, Any]) -> Lease:
    # Needs no checks: one of our keys signed it.
    return Lease(
        id=claims["jti"],
        principal=Principal(claims["kind"], claims["iss"], claims["sub"]),
        profile=claims["profile"],
        options=claims["options"],
        started_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )

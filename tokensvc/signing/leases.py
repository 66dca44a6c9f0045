"""Signs and verifies leases, which are JWTs that allow a conversation to be continued."""

import hmac
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from jwt.utils import base64url_decode, base64url_encode

from tokensvc.domain import Lease, Principal
from tokensvc.errors import LeaseOver, LeaseRefused
from tokensvc.signing.derived import derive_key

TYPE = "tokensvc-lease+jwt"


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
        signed = _HEADER + b"." + base64url_encode(json.dumps(claims, separators=(",", ":")).encode())
        return (signed + b"." + _signature(self._keys[0], signed)).decode()

    def verify(self, unverified_lease: str) -> Lease:
        """Return the lease.

        Raises:
            LeaseOver: if it has expired, or begins so late that a clock was wrong at the time.
            LeaseRefused: if it is invalid for any other reason.
        """
        signed, _, signature = unverified_lease.encode("utf-8", "replace").rpartition(b".")
        # Compared as text: base64url could encode the same bytes in several ways.
        if not signed.startswith(_HEADER + b".") or not any(
            hmac.compare_digest(signature, _signature(key, signed)) for key in self._keys
        ):
            raise LeaseRefused(cause="not signed by our keys")
        try:
            claims = json.loads(base64url_decode(signed[len(_HEADER) + 1 :]))
            lease = Lease(
                id=claims["jti"],
                principal=Principal(claims["kind"], claims["iss"], claims["sub"]),
                profile=claims["profile"],
                options=claims["options"],
                started_at=datetime.fromtimestamp(claims["iat"], UTC),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (ValueError, KeyError):
            raise LeaseRefused(cause="not of this release") from None
        left, length = lease.expires_at - self._clock(), lease.expires_at - lease.started_at
        if not timedelta(0) < left <= 2 * length:
            raise LeaseOver(cause="begins in the future" if left > length else "expired")
        return lease


def _signature(key: bytes, signed: bytes) -> bytes:
    return base64url_encode(hmac.digest(key, signed, "sha256"))


_HEADER = base64url_encode(json.dumps({"alg": "HS256", "typ": TYPE}, separators=(",", ":")).encode())

"""Signs leases, and knows its own: the statement that somebody may go on with a conversation."""

from __future__ import annotations

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
# Its end is checked against our own clock, and there is no audience but ourselves.
_UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


class LeaseSigner:
    """Signs with a key of its own, so that a lease is good for nothing else."""

    def __init__(self, secret_keys: Sequence[bytes], clock: Callable[[], datetime]) -> None:
        """*secret_keys* newest first; *clock* gives the time in UTC."""
        self._keys = [derive_key(key, "lease") for key in secret_keys]
        self._clock = clock

    def sign(self, lease: Lease) -> str:
        """The lease as text: a secret, to be given to its owner alone."""
        return jwt.encode(
            {
                "jti": lease.id,
                "iss": lease.principal.issuer,
                "sub": lease.principal.subject,
                "kind": lease.principal.kind,
                "profile": lease.profile,
                "options": lease.options,
                "iat": lease.started_at,
                "exp": lease.expires_at,
            },
            self._keys[0],
            algorithm="HS256",
            headers={"typ": TYPE},
        )

    def verify(self, unverified_lease: str) -> Lease:
        """The lease that one of our keys signed.

        Raises:
            LeaseOver: for one whose conversation has had its time.
            LeaseRefused: for anything else that is not good.
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
            except Exception as error:  # noqa: BLE001 - whatever the library says, the answer is no
                raise LeaseRefused(cause=type(error).__name__) from None
            if decoded["header"].get("typ") != TYPE:
                raise LeaseRefused(cause="a token of another type")
            lease = _lease(decoded["payload"])
            if lease.expires_at <= self._clock():
                raise LeaseOver(cause="past its deadline")
            return lease
        raise LeaseRefused(cause="signed by none of our keys")


def _lease(claims: dict[str, Any]) -> Lease:
    # What one of our keys signed is of our own making, and so of this shape.
    return Lease(
        id=claims["jti"],
        principal=Principal(claims["kind"], claims["iss"], claims["sub"]),
        profile=claims["profile"],
        options=claims["options"],
        started_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )

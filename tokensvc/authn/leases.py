"""Signs leases: the statement that somebody may go on with one conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt

from tokensvc.authn.derived_keys import derive_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokensvc.domain import Lease

TYPE = "tokensvc-lease+jwt"


class LeaseSigner:
    """Signs with a key of its own, so that a lease is good for nothing else."""

    def __init__(self, secret_keys: Sequence[bytes]) -> None:
        """*secret_keys* newest first."""
        self._key = derive_key(secret_keys[0], "lease")

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
            self._key,
            algorithm="HS256",
            headers={"typ": TYPE},
        )

"""Signs the service's own access JWTs, for people with a built-in account."""

from collections.abc import Callable, Sequence

import jwt

from tokensvc.authn.site_jwt.authenticator import TrustedIssuer
from tokensvc.authn.site_jwt.keys import listed_keys
from tokensvc.domain import ACCOUNT_ISSUER, Account
from tokensvc.signing.derived import derive_key

LIFETIME = 15 * 60  # seconds
_TYPE = "tokensvc-access+jwt"
_GROUPS = "groups"


class AccessTokens:
    """Signs with the newest secret key; accepts every listed one, so that keys can rotate."""

    def __init__(self, secret_keys: Sequence[bytes], clock: Callable[[], float]) -> None:
        """*secret_keys* newest first; *clock* returns seconds since the epoch."""
        self._keys = [derive_key(key, "access token") for key in secret_keys]
        self._clock = clock

    def sign(self, account: Account) -> str:
        """Return a JWT, valid for `LIFETIME` seconds, that proves that *account* signed in."""
        now = int(self._clock())
        return jwt.encode(
            {
                "iss": ACCOUNT_ISSUER,
                "aud": ACCOUNT_ISSUER,  # the service signs these tokens for itself
                "sub": account.username,
                "iat": now,
                "exp": now + LIFETIME,
                _GROUPS: sorted(account.groups),
            },
            self._keys[0],
            algorithm="HS256",
            headers={"typ": _TYPE},
        )

    def issuer(self) -> TrustedIssuer:
        """Return the issuer that makes `SiteJwtAuthenticator` accept these tokens."""
        return TrustedIssuer(
            issuer=ACCOUNT_ISSUER,
            audience=ACCOUNT_ISSUER,
            algorithms=("HS256",),
            keys=listed_keys(self._keys),
            types=frozenset({_TYPE}),
            groups_claim=_GROUPS,
        )

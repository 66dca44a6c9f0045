"""Authenticates a visitor without a credential as a guest."""

import secrets

from tokensvc.domain import GUEST_ISSUER, Credentials, Principal


class GuestAuthenticator:
    """Treats callers without a credential as guests; each profile decides whether to admit them."""

    def authenticate(self, credentials: Credentials) -> Principal | None:
        """Return a new guest with a random subject, or None if a credential was sent."""
        if credentials.unverified_bearer is not None:
            return None
        return Principal(kind="guest", issuer=GUEST_ISSUER, subject=secrets.token_urlsafe(16))

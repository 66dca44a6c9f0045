"""Admits a visitor with no credential under a random name."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from tokensvc.domain import GUEST_ISSUER, Principal

if TYPE_CHECKING:
    from tokensvc.domain import Credentials


class GuestAuthenticator:
    """Takes who brings nothing; which profiles guests may have is the profiles' business."""

    def authenticate(self, credentials: Credentials) -> Principal | None:
        """A fresh guest, or None where a credential was sent."""
        if credentials.unverified_bearer is not None:
            return None
        return Principal(kind="guest", issuer=GUEST_ISSUER, subject=secrets.token_urlsafe(16))

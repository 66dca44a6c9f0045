"""The other use case: an account and its password become a short-lived access JWT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tokensvc import counted
from tokensvc.domain import Limit, Window
from tokensvc.errors import WrongPassword

if TYPE_CHECKING:
    from tokensvc.domain import Account

# Guessing is slow at one account from one place, and slow from one place at all; nobody can lock
# another person out from elsewhere.
_PER_ACCOUNT = (Limit(5, 60), Limit(30, 3600))
_PER_ADDRESS = (Limit(20, 60), Limit(200, 3600))


class Passwords(Protocol):
    """Knows which password is whose."""

    def verify(self, unverified_username: str, unverified_password: str) -> Account | None:
        """The account, or None where the two do not fit."""
        ...


class Attempts(Protocol):
    """Counts attempts, durably."""

    def charge_attempt(self, *windows: Window) -> None:
        """Count one, or refuse."""
        ...


class AccessTokens(Protocol):
    """Signs access JWTs."""

    def sign(self, account: Account) -> str:
        """A JWT that says that *account* signed in."""
        ...


@dataclass(frozen=True)
class LoginService:
    """Signs people in."""

    passwords: Passwords
    attempts: Attempts
    access_tokens: AccessTokens

    def sign_in(self, unverified_username: str, unverified_password: str, address: str) -> str:
        """An access JWT, a secret.

        Raises:
            WrongPassword: where name and password do not fit.
            RateLimited: after too many attempts.
        """
        network = counted.network_of(address)
        self.attempts.charge_attempt(
            Window("login", counted.key("login", network), _PER_ADDRESS),
            Window("login", counted.key("login", network, unverified_username), _PER_ACCOUNT),
        )
        account = self.passwords.verify(unverified_username, unverified_password)
        if account is None:
            raise WrongPassword
        return self.access_tokens.sign(account)

"""The other use case: sign in to a built-in account, and stay signed in with short access JWTs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tokensvc import quota_keys
from tokensvc.domain import Limit, Window
from tokensvc.errors import LoginOver, WrongPassword
from tokensvc.signing.fingerprints import fingerprint

if TYPE_CHECKING:
    from tokensvc.domain import Account, Login

# Limits guessing per account and address, and per address. Nobody can lock another person out from
# elsewhere, and a correct password is not counted.
_PER_ACCOUNT = (Limit(5, 60), Limit(30, 3600))  # attempts, seconds
_PER_ADDRESS = (Limit(20, 60), Limit(200, 3600))
# Every attempt costs CPU time and every cookie a table row: both are limited per address too.
_WORK = (Limit(60, 60),)


class Passwords(Protocol):
    """Verifies passwords."""

    def verify(self, unverified_username: str, unverified_password: str) -> Account | None:
        """Return the account, or None if the user name and password do not match."""
        ...


class Attempts(Protocol):
    """Counts attempts, durably."""

    def charge_attempt(self, *windows: Window) -> str:
        """Count an attempt and return its id. Raises RateLimited if a limit is used up."""
        ...

    def forgive_attempt(self, attempt: str) -> None:
        """Undo the charge for an attempt."""
        ...


class AccessTokens(Protocol):
    """Signs access JWTs."""

    def sign(self, account: Account) -> str:
        """Return a JWT that says that *account* signed in."""
        ...


class Logins(Protocol):
    """Stores logins by the fingerprints of their cookies."""

    def begin(self, account: Account, cookie_hash: str) -> Login | None:
        """Begin a login; None if the account has changed since its password was checked."""
        ...

    def refresh(self, cookie_hash: str, next_cookie_hash: str) -> Login | None:
        """Continue the login with the next cookie; None if it is over."""
        ...

    def end(self, cookie_hash: str) -> None:
        """End the login, if there is one."""
        ...


@dataclass(frozen=True)
class SignedIn:
    """The result of signing in; *cookie_life* is in seconds."""

    username: str
    access_token: str = field(repr=False)
    cookie: str = field(repr=False)
    cookie_life: int


@dataclass(frozen=True)
class LoginService:
    """Signs people in, keeps them signed in, and signs them out."""

    passwords: Passwords
    attempts: Attempts
    access_tokens: AccessTokens
    logins: Logins

    def sign_in(self, unverified_username: str, unverified_password: str, address: str) -> SignedIn:
        """Begin a login.

        Raises:
            WrongPassword: if the user name and password do not match.
            RateLimited: after too many wrong passwords, or too many attempts.
        """
        self._count_attempt(address)
        network = quota_keys.network_of(address)
        guess = self.attempts.charge_attempt(
            Window("login", quota_keys.key("login", network), _PER_ADDRESS),
            Window("login", quota_keys.key("login", network, unverified_username), _PER_ACCOUNT),
        )
        account = self.passwords.verify(unverified_username, unverified_password)
        cookie = _new_cookie()
        # None too if the account has changed since verify returned it.
        login = self.logins.begin(account, fingerprint(cookie)) if account else None
        if login is None:
            raise WrongPassword
        self.attempts.forgive_attempt(guess)
        return self._signed_in(login, cookie)

    def refresh(self, unverified_cookie: str | None, address: str) -> SignedIn:
        """Continue the login of *unverified_cookie*, and replace the cookie.

        Raises:
            LoginOver: if there is no such login any more.
            RateLimited: after too many attempts.
        """
        if not unverified_cookie:
            raise LoginOver
        self._count_attempt(address)
        cookie = _new_cookie()
        login = self.logins.refresh(fingerprint(unverified_cookie), fingerprint(cookie))
        if login is None:
            raise LoginOver
        return self._signed_in(login, cookie)

    def sign_out(self, unverified_cookie: str | None) -> None:
        """End the login that the cookie belongs to, if there is one."""
        if unverified_cookie:
            self.logins.end(fingerprint(unverified_cookie))

    def _count_attempt(self, address: str) -> None:
        work = quota_keys.key("login work", quota_keys.network_of(address))
        self.attempts.charge_attempt(Window("login", work, _WORK))

    def _signed_in(self, login: Login, cookie: str) -> SignedIn:
        account = login.account
        return SignedIn(
            account.username, self.access_tokens.sign(account), cookie, login.expires_in
        )


def _new_cookie() -> str:
    return secrets.token_urlsafe(32)

"""The other use case: an account and its password become a login, and that short access JWTs."""

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

# Guessing is slow at one account from one place, and slow from one place at all; nobody can lock
# another person out from elsewhere. Who knows the password has not guessed.
_PER_ACCOUNT = (Limit(5, 60), Limit(30, 3600))
_PER_ADDRESS = (Limit(20, 60), Limit(200, 3600))
# Guess or not, each attempt is work, and each cookie a row: of one place only so much.
_WORK = (Limit(60, 60),)


class Passwords(Protocol):
    """Knows which password is whose."""

    def verify(self, unverified_username: str, unverified_password: str) -> Account | None:
        """The account, or None where the two do not fit."""
        ...


class Attempts(Protocol):
    """Counts attempts, durably."""

    def charge_attempt(self, *windows: Window) -> str:
        """Count one, or refuse; what it gives names the attempt."""
        ...

    def forgive_attempt(self, attempt: str) -> None:
        """Count it no longer."""
        ...


class AccessTokens(Protocol):
    """Signs access JWTs."""

    def sign(self, account: Account) -> str:
        """A JWT that says that *account* signed in."""
        ...


class Logins(Protocol):
    """Remembers logins, by the fingerprints of their cookies."""

    def begin(self, account: Account, cookie_hash: str) -> Login | None:
        """A new login; None where the account has changed since its password was checked."""
        ...

    def go_on(self, cookie_hash: str, next_cookie_hash: str) -> Login | None:
        """The login, which goes on with the next cookie; None where it is over."""
        ...

    def end(self, cookie_hash: str) -> None:
        """End the login, if there is one."""
        ...


@dataclass(frozen=True)
class SignedIn:
    """What somebody who is signed in gets: two secrets, and the cookie's life in seconds."""

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
        """A new login.

        Raises:
            WrongPassword: where name and password do not fit.
            RateLimited: after too many wrong ones, or very many.
        """
        self._charge_work(address)
        network = quota_keys.network_of(address)
        guess = self.attempts.charge_attempt(
            Window("login", quota_keys.key("login", network), _PER_ADDRESS),
            Window("login", quota_keys.key("login", network, unverified_username), _PER_ACCOUNT),
        )
        account = self.passwords.verify(unverified_username, unverified_password)
        cookie = _new_cookie()
        login = self.logins.begin(account, fingerprint(cookie)) if account else None
        if login is None:
            raise WrongPassword
        self.attempts.forgive_attempt(guess)
        return self._signed_in(login, cookie)

    def go_on(self, unverified_cookie: str | None, address: str) -> SignedIn:
        """The login of that cookie, which is no longer good: the answer holds the next.

        Raises:
            LoginOver: where there is no such login, or no longer.
            RateLimited: after very many.
        """
        if not unverified_cookie:
            raise LoginOver
        self._charge_work(address)
        cookie = _new_cookie()
        login = self.logins.go_on(fingerprint(unverified_cookie), fingerprint(cookie))
        if login is None:
            raise LoginOver
        return self._signed_in(login, cookie)

    def sign_out(self, unverified_cookie: str | None) -> None:
        """End the login of that cookie, if there is one."""
        if unverified_cookie:
            self.logins.end(fingerprint(unverified_cookie))

    def _charge_work(self, address: str) -> None:
        work = quota_keys.key("login work", quota_keys.network_of(address))
        self.attempts.charge_attempt(Window("login", work, _WORK))

    def _signed_in(self, login: Login, cookie: str) -> SignedIn:
        account = login.account
        return SignedIn(
            account.username, self.access_tokens.sign(account), cookie, login.expires_in
        )


def _new_cookie() -> str:
    return secrets.token_urlsafe(32)

"""The other use case: sign in to a built-in account, and stay signed in with short access JWTs."""

import hmac
import secrets
from dataclasses import dataclass, field

from tokensvc import quota_keys
from tokensvc.authn.access_tokens import AccessTokens
from tokensvc.authn.passwords import PasswordVerifier
from tokensvc.domain import Limit, Login, Window, fingerprint, normal_name
from tokensvc.errors import LoginOver, WrongPassword
from tokensvc.store.ledger import Ledger
from tokensvc.store.logins import Logins

# Limits guessing per account and address, and per address. Nobody can lock another person out from
# elsewhere, and a correct password is not counted.
_PER_ACCOUNT = (Limit(5, 60), Limit(30, 3600))  # attempts, seconds
_PER_ADDRESS = (Limit(20, 60), Limit(200, 3600))
# Every attempt costs CPU time and every cookie a table row: both are limited per address too.
_WORK = (Limit(60, 60),)


@dataclass(frozen=True)
class SignedIn:
    """The result of signing in; *cookie_life* is in seconds."""

    username: str
    access_token: str = field(repr=False)
    cookie: str = field(repr=False)
    cookie_life: int


@dataclass(frozen=True)
class LoginService:
    """Signs people in, keeps them signed in, and signs them out.

    *cookie_key* derives the next cookie from the present one, so that parallel refreshes agree.
    """

    passwords: PasswordVerifier
    attempts: Ledger
    access_tokens: AccessTokens
    logins: Logins
    cookie_key: bytes = field(repr=False)

    def sign_in(self, unverified_username: str, unverified_password: str, address: str) -> SignedIn:
        """Begin a login.

        Raises:
            WrongPassword: if the user name and password do not match.
            RateLimited: after too many wrong passwords, or too many attempts.
            TemporarilyUnavailable: if too many sign in at once.
        """
        with self.passwords.place():  # before anything is counted, which also costs
            self.attempts.charge_attempt(*_windows(address, _WORK, "login work"))
            guess = self.attempts.charge_attempt(
                *_windows(address, _PER_ADDRESS, "login"),
                *_windows(address, _PER_ACCOUNT, "login", normal_name(unverified_username)),
            )
            account = self.passwords.verify(unverified_username, unverified_password)
        cookie = secrets.token_urlsafe(32)
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
        self.attempts.charge_attempt(*_windows(address, _WORK, "login work"))
        present = fingerprint(unverified_cookie)
        cookie = hmac.new(self.cookie_key, present.encode(), "sha256").hexdigest()
        login = self.logins.refresh(present, fingerprint(cookie))
        if login is None:
            raise LoginOver
        return self._signed_in(login, cookie)

    def sign_out(self, unverified_cookie: str | None) -> None:
        """End the login that the cookie belongs to, if there is one."""
        if unverified_cookie:
            self.logins.end(fingerprint(unverified_cookie))

    def _signed_in(self, login: Login, cookie: str) -> SignedIn:
        account = login.account
        return SignedIn(account.username, self.access_tokens.sign(account), cookie, login.expires_in)


def _windows(address: str, limits: tuple[Limit, ...], what: str, *whose: str) -> list[Window]:
    return quota_keys.windows_by_network("login", address, limits, lambda net: quota_keys.key(what, net, *whose))

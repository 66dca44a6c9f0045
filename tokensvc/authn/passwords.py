"""Checks passwords with the same work whether or not the account exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from werkzeug.security import check_password_hash, generate_password_hash

if TYPE_CHECKING:
    from tokensvc.domain import Account

METHOD = "scrypt:32768:8:1"  # OWASP's password storage cheat sheet, second of its equivalents
SHORTEST_PASSWORD = 12  # characters
LONGEST_PASSWORD = 1024


def hash_password(password: str) -> str:
    """A salted scrypt hash of *password*.

    Raises:
        ValueError: for one too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return generate_password_hash(password, METHOD)


class AccountStore(Protocol):
    """Where accounts are."""

    def find(self, username: str) -> Account | None:
        """The account of that name, or None."""
        ...


class PasswordVerifier:
    """Says whether an account and a password fit."""

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts
        # Compared against where there is no account, so that the time taken tells nothing.
        self._nobody = generate_password_hash("nobody has this password", METHOD)

    def verify(self, unverified_username: str, unverified_password: str) -> Account | None:
        """The account, or None where name and password do not fit."""
        account = self._accounts.find(unverified_username)
        fits = check_password_hash(
            account.password_hash if account else self._nobody, unverified_password
        )
        return account if fits else None

"""Hashes and verifies passwords, taking the same time whether or not the account exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.security import check_password_hash, generate_password_hash

if TYPE_CHECKING:
    from tokensvc.domain import Account
    from tokensvc.store.accounts import Accounts

METHOD = "scrypt:32768:8:1"  # one of the equivalents in OWASP's password storage cheat sheet
SHORTEST_PASSWORD = 12  # characters
LONGEST_PASSWORD = 1024


def hash_password(password: str) -> str:
    """Return a salted scrypt hash of *password*.

    Raises:
        ValueError: if it is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"A password needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return generate_password_hash(password, METHOD)


class PasswordVerifier:
    """Verifies passwords against the stored accounts."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        # Compared when there is no account, so that the time taken does not reveal who has one.
        self._dummy_hash = generate_password_hash("nobody has this password", METHOD)

    def verify(self, unverified_username: str, unverified_password: str) -> Account | None:
        """Return the account, or None if the user name and password do not match."""
        account = self._accounts.find(unverified_username)
        password_hash = account.password_hash if account else self._dummy_hash
        matches = check_password_hash(password_hash, unverified_password)
        return account if matches else None

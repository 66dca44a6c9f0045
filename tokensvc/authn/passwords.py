"""Hashes and verifies passwords, taking the same time whether or not the account exists."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from werkzeug.security import check_password_hash, generate_password_hash

from tokensvc.errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from tokensvc.domain import Account
    from tokensvc.store.accounts import Accounts

METHOD = "scrypt:32768:8:1"  # one of the equivalents in OWASP's password storage cheat sheet
SHORTEST_PASSWORD = 12  # characters
LONGEST_PASSWORD = 1024
# A check takes 0.1 s of CPU and 32 MB.
AT_ONCE = 2  # checks in a process
MOST_WAITING = 16  # others that wait for their turn, for about a second
_NICENESS = 10  # sign-ins get what CPU time the mints leave over


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
        self._checkers = ThreadPoolExecutor(
            AT_ONCE, thread_name_prefix="password", initializer=_be_nice
        )
        self._places = threading.BoundedSemaphore(AT_ONCE + MOST_WAITING)

    def verify(self, unverified_username: str, unverified_password: str) -> Account | None:
        """Return the account, or None if the user name and password do not match.

        Raises:
            TemporarilyUnavailable: if too many passwords are being checked.
        """
        if not self._places.acquire(blocking=False):
            raise TemporarilyUnavailable(cause="too many sign-ins at once", retry_after=2)
        try:
            account = self._accounts.find(unverified_username)
            password_hash = account.password_hash if account else self._dummy_hash
            check = self._checkers.submit(check_password_hash, password_hash, unverified_password)
            return account if check.result() else None
        finally:
            self._places.release()


def _be_nice() -> None:
    """Lower the priority of this thread; Linux keeps it for each thread (sched(7))."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

"""Hashes and verifies passwords, taking the same time whether or not the account exists."""

import os
import threading
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from werkzeug.security import check_password_hash, generate_password_hash

from tokensvc.domain import Account
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.store.accounts import Accounts

METHOD = "scrypt:32768:8:1"  # one of the equivalents in OWASP's password storage cheat sheet
SHORTEST_PASSWORD = 12  # characters
LONGEST_PASSWORD = 1024
# A check takes 0.1 s of CPU and 32 MB.
AT_ONCE = 2  # checks in a process
MOST_WAITING = 16  # others that wait for their turn, for about a second
LONGEST_WAIT = 10.0  # seconds; on a busy machine, low priority may get no CPU time
_NICENESS = 10  # sign-ins get what CPU time the mints leave over


def hash_password(password: str) -> str:
    """Return a salted scrypt hash of *password*; raise ValueError if it is too short or too long."""
    password = _normal(password)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"A password needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return generate_password_hash(password, METHOD)


class PasswordVerifier:
    """Verifies passwords against the stored accounts."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        # Compared when there is no account, so that the time taken does not reveal who has one.
        self._dummy_hash = generate_password_hash("nobody has this password", METHOD)
        self._checkers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password", initializer=_be_nice)
        self._places = threading.BoundedSemaphore(AT_ONCE + MOST_WAITING)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place among the checks of passwords; raise TemporarilyUnavailable if too many are waiting."""
        if not self._places.acquire(blocking=False):
            raise TemporarilyUnavailable(cause="too many sign-ins at once", retry_after=2)
        try:
            yield
        finally:
            self._places.release()

    def verify(self, unverified_username: str, unverified_password: str) -> Account | None:
        """Return the account, or None unless they match; raise TemporarilyUnavailable if the machine is too busy."""
        account = self._accounts.find(unverified_username)
        password_hash = account.password_hash if account else self._dummy_hash
        check = self._checkers.submit(_matches, password_hash, unverified_password)
        try:
            return account if check.result(LONGEST_WAIT) else None
        except TimeoutError:
            check.cancel()
            raise TemporarilyUnavailable(cause="no CPU time for sign-ins", retry_after=5) from None


def _matches(password_hash: str, unverified: str) -> bool:
    """Return whether *unverified* is the password, in normal form or, for older hashes, as typed.

    Whether an account exists does not change how many forms are tried, and so how long it takes.
    """
    forms = dict.fromkeys([_normal(unverified), unverified])
    return any(check_password_hash(password_hash, form) for form in forms)


def _normal(password: str) -> str:
    """Return *password* in one form, however a keyboard composes it (RFC 8265, section 4.2)."""
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFC", spaced)


def _be_nice() -> None:
    """Lower the priority of this thread; Linux keeps it for each thread (sched(7))."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

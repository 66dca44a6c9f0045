"""Stores logins with built-in accounts, as families of cookies that are replaced at each use.

A replaced cookie stays valid for a minute, because a response may be lost, and two tabs may refresh at once. All get
the same next cookie. So if one was copied, a cookie is soon used that was replaced longer ago, and the whole login ends
(RFC 9700, section 4.14.2).
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from tokensvc.domain import Account, Login
from tokensvc.store.engine import transaction
from tokensvc.store.schema import accounts, logins
from tokensvc.store.times import DAY, SECOND, microseconds

LONGEST = 30 * DAY  # until the password is needed again
IDLE = 7 * DAY  # without a refresh, until a login ends
GRACE = 60 * SECOND  # for which a replaced cookie stays valid
_REMEMBERED = DAY  # for which the reuse of a replaced cookie is still noticed
_SWEPT = 8  # expired rows removed with each new one: more than are added


class Logins:
    """Logins by their cookies' fingerprints; every method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def begin(self, account: Account, cookie_hash: str) -> Login | None:
        """Begin a login; None if the account has changed since its password was checked."""
        with transaction(self._engine) as connection:
            current = _lock_account(connection, account.username)
            if current is None or current.password_hash != account.password_hash:
                return None
            now = microseconds(self._clock())
            cookie = {"cookie_hash": cookie_hash, "login_id": uuid.uuid4().hex, "ends_at": now + LONGEST}
            return _add_cookie(connection, current, now, cookie)

    def refresh(self, cookie_hash: str, next_cookie_hash: str) -> Login | None:
        """Continue the login with the next cookie, which is always the same; None if it is over."""
        of_this_cookie = logins.c.cookie_hash == cookie_hash
        with transaction(self._engine) as connection:
            username = connection.execute(select(logins.c.username).where(of_this_cookie)).scalar()
            account = _lock_account(connection, username) if username is not None else None
            # Read under the lock, since a concurrent refresh may have changed it.
            row = connection.execute(select(logins).where(of_this_cookie)).one_or_none()
            now = microseconds(self._clock())
            # A longer life is from a clock that was ahead.
            if account is None or row is None or not now < row.expires_at <= now + IDLE + DAY:
                return None
            if row.replaced_at is not None and abs(now - row.replaced_at) > GRACE:
                # A copied cookie: end the whole login.
                connection.execute(delete(logins).where(logins.c.login_id == row.login_id))
                return None
            if row.replaced_at is None:
                forgotten = min(row.expires_at, now + _REMEMBERED)
                connection.execute(update(logins).where(of_this_cookie).values(replaced_at=now, expires_at=forgotten))
            known = select(logins.c.expires_at).where(logins.c.cookie_hash == next_cookie_hash)
            expires_at = connection.execute(known).scalar()
            if expires_at is not None:
                return Login(account, (expires_at - now) // SECOND)
            ends_at = min(row.ends_at, now + LONGEST)
            cookie = {"cookie_hash": next_cookie_hash, "login_id": row.login_id, "ends_at": ends_at}
            return _add_cookie(connection, account, now, cookie)

    def end(self, cookie_hash: str) -> None:
        """End the login, if there is one."""
        family = select(logins.c.login_id).where(logins.c.cookie_hash == cookie_hash)
        with transaction(self._engine) as connection:
            connection.execute(delete(logins).where(logins.c.login_id.in_(family)))


def end_logins_of(connection: Connection, username: str) -> None:
    """End every login of *username*, in the transaction that changes the account."""
    connection.execute(delete(logins).where(logins.c.username == username))


def _lock_account(connection: Connection, username: str) -> Account | None:
    """Return the account, locked until the transaction ends; None if there is none."""
    row = connection.execute(select(accounts).where(accounts.c.username == username).with_for_update()).one_or_none()
    return Account(row.username, row.password_hash, frozenset(row.groups.split())) if row else None


def _add_cookie(connection: Connection, account: Account, now: int, cookie: dict[str, Any]) -> Login:
    """Add the next *cookie* of a login, which ends at its `ends_at` at the latest, and remove some expired ones."""
    expired = select(logins.c.cookie_hash).where(logins.c.expires_at <= now).order_by(logins.c.expires_at).limit(_SWEPT)
    connection.execute(delete(logins).where(logins.c.cookie_hash.in_(expired)))
    expires_at = min(cookie["ends_at"], now + IDLE)
    connection.execute(insert(logins).values(username=account.username, expires_at=expires_at, **cookie))
    return Login(account, (expires_at - now) // SECOND)

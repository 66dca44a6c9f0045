"""Stores the built-in accounts, for sites without a login of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tokensvc.domain import Account
from tokensvc.store.engine import transaction
from tokensvc.store.logins import end_logins_of
from tokensvc.store.schema import accounts

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Accounts:
    """Accounts by user name; every method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, username: str) -> Account | None:
        """Return the account with that name, or None."""
        if "\0" in username:  # PostgreSQL would raise an error
            return None
        with transaction(self._engine) as connection:
            row = connection.execute(
                select(accounts).where(accounts.c.username == username)
            ).one_or_none()
        if row is None:
            return None
        return Account(row.username, row.password_hash, frozenset(row.groups.split()))

    def add(self, account: Account) -> bool:
        """Add *account*; return False if the name is taken."""
        with transaction(self._engine) as connection:
            try:
                connection.execute(
                    insert(accounts).values(
                        username=account.username,
                        password_hash=account.password_hash,
                        groups=" ".join(sorted(account.groups)),
                    )
                )
            except IntegrityError:
                return False
        return True

    def names(self) -> list[str]:
        """Return every user name, sorted."""
        with transaction(self._engine) as connection:
            return list(
                connection.execute(
                    select(accounts.c.username).order_by(accounts.c.username)
                ).scalars()
            )

    def set_password_hash(self, username: str, password_hash: str) -> bool:
        """Replace the password and end the logins; return False if there is no such account."""
        with transaction(self._engine) as connection:
            changed = connection.execute(
                update(accounts)
                .where(accounts.c.username == username)
                .values(password_hash=password_hash)
            )
            end_logins_of(connection, username)
        return changed.rowcount == 1

    def remove(self, username: str) -> bool:
        """Remove the account and end its logins; return False if there is no such account."""
        with transaction(self._engine) as connection:
            gone = connection.execute(delete(accounts).where(accounts.c.username == username))
            end_logins_of(connection, username)
        return gone.rowcount == 1

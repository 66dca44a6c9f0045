"""Stores the built-in accounts, for sites without a login of their own."""

from sqlalchemy import Connection, Delete, Engine, Update, delete, insert, select, update

from tokensvc.domain import Account, normal_name
from tokensvc.store.engine import transaction
from tokensvc.store.logins import end_logins_of
from tokensvc.store.schema import accounts


class Accounts:
    """Accounts by user name; every method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, username: str) -> Account | None:
        """Return the account with that name in any spelling, or None."""
        with transaction(self._engine) as connection:
            stored = _stored_name(connection, username)
            row = connection.execute(select(accounts).where(accounts.c.username == stored)).one_or_none()
        return Account(row.username, row.password_hash, frozenset(row.groups.split())) if row else None

    def add(self, account: Account) -> bool:
        """Add *account*; return False if the name is taken, in any spelling."""
        row = vars(account) | {"groups": " ".join(sorted(account.groups))}
        with transaction(self._engine) as connection:
            if _alike(connection, account.username):
                return False
            connection.execute(insert(accounts).values(row))
        return True

    def names(self) -> list[str]:
        """Return every user name, sorted."""
        with transaction(self._engine) as connection:
            return list(connection.execute(select(accounts.c.username).order_by(accounts.c.username)).scalars())

    def set_password_hash(self, username: str, password_hash: str) -> bool:
        """Replace the password and end the logins; return False if there is no such account."""
        return self._change(username, update(accounts).values(password_hash=password_hash))

    def remove(self, username: str) -> bool:
        """Remove the account and end its logins; return False if there is no such account."""
        return self._change(username, delete(accounts))

    def _change(self, username: str, statement: Update | Delete) -> bool:
        with transaction(self._engine) as connection:
            stored = _stored_name(connection, username)
            if stored is not None:
                connection.execute(statement.where(accounts.c.username == stored))
                end_logins_of(connection, stored)
        return stored is not None


def _stored_name(connection: Connection, username: str) -> str | None:
    """Return the name that *username* stands for; None if there is none, or more than one.

    There may be more from before names were compared in a normal form; each must be written exactly.
    """
    alike = _alike(connection, username)
    return username if username in alike else alike[0] if len(alike) == 1 else None


def _alike(connection: Connection, username: str) -> list[str]:
    """Return the stored names that equal *username* in normal form.

    Reads every name, since databases fold case each in their own way: 1 ms for 1,000 accounts.
    """
    normal = normal_name(username)
    names = connection.execute(select(accounts.c.username)).scalars()
    return [name for name in names if normal_name(name) == normal]

"""The API keys of backends, each by its name and its fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from tokensvc.store.engine import transaction
from tokensvc.store.schema import api_keys
from tokensvc.store.times import instant, microseconds

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine


@dataclass(frozen=True)
class NamedKey:
    """A key there is, as far as anybody may know."""

    name: str
    created_at: datetime


class ApiKeys:
    """API keys by name; every method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def name_of(self, key_hash: str) -> str | None:
        """The name of the key with that fingerprint, or None."""
        with transaction(self._engine) as connection:
            return connection.execute(
                select(api_keys.c.name).where(api_keys.c.key_hash == key_hash)
            ).scalar()

    def add(self, name: str, key_hash: str, at: datetime) -> bool:
        """Add a key, made *at* a time in UTC; False where the name is taken."""
        created_at = microseconds(at)
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    insert(api_keys).values(name=name, key_hash=key_hash, created_at=created_at)
                )
        except IntegrityError:
            return False
        return True

    def listed(self) -> list[NamedKey]:
        """Every key, by name."""
        with transaction(self._engine) as connection:
            rows = connection.execute(
                select(api_keys.c.name, api_keys.c.created_at).order_by(api_keys.c.name)
            ).all()
        return [NamedKey(row.name, instant(row.created_at)) for row in rows]

    def remove(self, name: str) -> bool:
        """Remove the key, which is refused from the next request on; False where there is none."""
        with transaction(self._engine) as connection:
            gone = connection.execute(delete(api_keys).where(api_keys.c.name == name))
        return gone.rowcount == 1

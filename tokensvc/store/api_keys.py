"""The API keys of backends, each by its name and its fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from tokensvc.domain import ApiKey
from tokensvc.store.engine import transaction
from tokensvc.store.schema import api_keys, events, leases
from tokensvc.store.times import instant, microseconds

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row

_KNOWN = (api_keys.c.name, api_keys.c.created_at, api_keys.c.profiles)


class ApiKeys:
    """API keys by name; every method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, key_hash: str) -> ApiKey | None:
        """The key with that fingerprint, or None."""
        with transaction(self._engine) as connection:
            row = connection.execute(
                select(*_KNOWN).where(api_keys.c.key_hash == key_hash)
            ).one_or_none()
        return _key(row) if row else None

    def add(self, key: ApiKey, key_hash: str) -> bool:
        """Add *key*, of that fingerprint; False where its name is taken."""
        profiles = None if key.profiles is None else " ".join(sorted(key.profiles))
        with transaction(self._engine) as connection:
            try:
                connection.execute(
                    insert(api_keys).values(
                        name=key.name,
                        key_hash=key_hash,
                        created_at=microseconds(key.created_at),
                        profiles=profiles,
                    )
                )
            except IntegrityError:
                return False
        return True

    def listed(self) -> list[ApiKey]:
        """Every key, by name."""
        with transaction(self._engine) as connection:
            rows = connection.execute(select(*_KNOWN).order_by(api_keys.c.name)).all()
        return [_key(row) for row in rows]

    def remove(self, name: str, issuer: str) -> bool:
        """Remove the key, which is refused from the next request on; False where there is none.

        The conversations that it began are over with it: they are its *issuer*'s in the audit. They
        renew without the key, and a later key of the same name must not bring them back.
        """
        begun = select(events.c.lease_id).where(events.c.issuer == issuer)
        with transaction(self._engine) as connection:
            gone = connection.execute(delete(api_keys).where(api_keys.c.name == name))
            connection.execute(delete(leases).where(leases.c.id.in_(begun)))
        return gone.rowcount == 1


def _key(row: Row[str, int, str | None]) -> ApiKey:
    profiles = None if row.profiles is None else frozenset(row.profiles.split())
    return ApiKey(row.name, instant(row.created_at), profiles)

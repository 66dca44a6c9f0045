"""Stores the API keys of backends, by name and fingerprint."""

from sqlalchemy import Engine, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from tokensvc.domain import ApiKey
from tokensvc.store.engine import transaction
from tokensvc.store.schema import api_keys, events, leases
from tokensvc.store.times import instant, microseconds

_COLUMNS = (api_keys.c.name, api_keys.c.created_at, api_keys.c.profiles)


class ApiKeys:
    """API keys by name; every method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with that fingerprint, or None."""
        with transaction(self._engine) as connection:
            row = connection.execute(select(*_COLUMNS).where(api_keys.c.key_hash == key_hash)).one_or_none()
        return _key(row) if row else None

    def add(self, key: ApiKey, key_hash: str) -> bool:
        """Add *key* with its fingerprint *key_hash*; return False if its name is taken."""
        # NULL, like None, means every profile.
        profiles = None if key.profiles is None else " ".join(sorted(key.profiles))
        row = {"name": key.name, "key_hash": key_hash, "created_at": microseconds(key.created_at), "profiles": profiles}
        with transaction(self._engine) as connection:
            try:
                connection.execute(insert(api_keys).values(row))
            except IntegrityError:
                return False
        return True

    def listed(self) -> list[ApiKey]:
        """Return every key, sorted by name."""
        with transaction(self._engine) as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(api_keys.c.name)).all()
        return [_key(row) for row in rows]

    def remove(self, name: str, issuer: str) -> bool:
        """Remove the key, effective at once; return False if there is no such key.

        The leases that it began are removed too, since they can be renewed without the key; in the audit, they are
        those of *issuer*.
        """
        begun = select(events.c.lease_id).where(events.c.issuer == issuer)
        with transaction(self._engine) as connection:
            gone = connection.execute(delete(api_keys).where(api_keys.c.name == name))
            connection.execute(delete(leases).where(leases.c.id.in_(begun)))
        return gone.rowcount == 1


def _key(row: Row[str, int, str | None]) -> ApiKey:
    profiles = None if row.profiles is None else frozenset(row.profiles.split())
    return ApiKey(row.name, instant(row.created_at), profiles)

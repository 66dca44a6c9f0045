"""Tests whether the store can be written, by writing as much as a mint does."""

from sqlalchemy import Engine, delete, insert

from tokensvc.store.engine import transaction
from tokensvc.store.schema import probes

# A mint writes some 30 pages of 4 KB to SQLite's log. On a nearly full disk, less might still fit.
_SIZES = {"sqlite": 128 * 1024, "postgresql": 1}  # bytes


def probe(engine: Engine) -> None:
    """Write something and commit it.

    Raises:
        TemporarilyUnavailable: if that fails.
    """
    with transaction(engine) as connection:
        connection.execute(delete(probes))
        connection.execute(insert(probes).values(content=bytes(_SIZES[engine.dialect.name])))

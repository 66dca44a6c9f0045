"""Stores blocks: what an operator has switched off, for a time or until further notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from tokensvc.store.engine import transaction
from tokensvc.store.schema import blocks
from tokensvc.store.times import instant, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine


@dataclass(frozen=True)
class Block:
    """A block of *key* since *at*, until *until* (None: until it is lifted)."""

    key: str
    at: datetime
    until: datetime | None


class Blocks:
    """The blocks in force; every method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        """*clock* returns the time in UTC."""
        self._engine = engine
        self._clock = clock

    def put(self, key: str, until: datetime | None) -> None:
        """Block *key*, replacing an earlier block."""
        with transaction(self._engine, [key]) as connection:
            connection.execute(delete(blocks).where(blocks.c.key == key))
            connection.execute(
                insert(blocks).values(
                    key=key,
                    at=microseconds(self._clock()),
                    until=None if until is None else microseconds(until),
                )
            )

    def lift(self, key: str) -> bool:
        """Unblock *key*; return False if it was not blocked."""
        with transaction(self._engine, [key]) as connection:
            return connection.execute(delete(blocks).where(blocks.c.key == key)).rowcount == 1

    def in_force(self) -> list[Block]:
        """Return the current blocks, sorted by key."""
        now = self._clock()
        with transaction(self._engine) as connection:
            rows = connection.execute(select(blocks).order_by(blocks.c.key)).all()
        found = [
            Block(row.key, instant(row.at), None if row.until is None else instant(row.until))
            for row in rows
        ]
        return [block for block in found if block.until is None or block.until > now]

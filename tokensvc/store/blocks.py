"""Stores blocks: what an operator has switched off, for a time or until further notice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Engine, bindparam, delete, false, insert, or_, select

from tokensvc.errors import Blocked
from tokensvc.store.driver import Request, Row, Statement
from tokensvc.store.engine import transaction
from tokensvc.store.schema import blocks
from tokensvc.store.times import SECOND, instant, microseconds


@dataclass(frozen=True)
class Block:
    """A block of *key* since *at*, until *until* (None: until it is lifted)."""

    key: str
    at: datetime
    until: datetime | None


class Blocks:
    """The blocks in force; every method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def put(self, key: str, until: datetime | None) -> None:
        """Block *key*, replacing an earlier block."""
        with transaction(self._engine, [key]) as connection:
            connection.execute(delete(blocks).where(blocks.c.key == key))
            row = {"key": key, "at": microseconds(self._clock()), "until": until and microseconds(until)}
            connection.execute(insert(blocks).values(row))

    def lift(self, key: str) -> bool:
        """Unblock *key*; return False if it was not blocked."""
        with transaction(self._engine, [key]) as connection:
            return connection.execute(delete(blocks).where(blocks.c.key == key)).rowcount == 1

    def in_force(self) -> list[Block]:
        """Return the current blocks, sorted by key."""
        now = self._clock()
        with transaction(self._engine) as connection:
            rows = connection.execute(select(blocks).order_by(blocks.c.key)).all()
        found = [Block(row.key, instant(row.at), None if row.until is None else instant(row.until)) for row in rows]
        return [block for block in found if block.until is None or block.until > now]


def blocks_query(keys: Sequence[str]) -> Request:
    """Return the query for those of *keys* that are blocked."""
    return _blocks_among(len(keys)), {f"key_{number}": key for number, key in enumerate(keys)}


@cache
def _blocks_among(count: int) -> Statement:
    among = or_(false(), *(blocks.c.key == bindparam(f"key_{number}") for number in range(count)))
    return Statement(select(blocks.c.key, blocks.c.until).where(among))


def refuse_blocked(found: Sequence[Row], now: int) -> None:
    """Raise Blocked if a block that was *found* is in force at *now*."""
    in_force = [(key, until) for key, until in found if until is None or until > now]
    if not in_force:
        return
    ends = [until for _, until in in_force if until is not None]
    # None if one of the blocks has no end.
    wait = (max(ends) - now) / SECOND if len(ends) == len(in_force) else None
    # Only of what kind they are: the log may have to do without the name of a person.
    raise Blocked(cause="; ".join(key.partition(",")[0].strip('[]"') for key, _ in in_force), retry_after=wait)

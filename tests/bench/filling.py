"""Fills an SQLite store with the traffic of three months, faster than the service could."""

from __future__ import annotations

import os
import random
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.measuring import progress
from tokensvc.quota_keys import key
from tokensvc.store.engine import open_engine, upgrade
from tokensvc.store.times import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DAYS = 90
TOKENS = 3  # of a conversation
EVENTS = 2 * TOKENS + 1  # of a conversation: each token reserved and granted; then it is ended
LIFETIME, PACE, LONGEST = 300 * SECOND, 270 * SECOND, 1800 * SECOND
BATCH = 20_000  # conversations
ISSUER = "https://shop.test/"
BYTES = 600  # on disk for each event, generously


@dataclass
class Rows:
    """The rows of a batch, for each table in the order of its columns."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    charges: list[tuple[Any, ...]] = field(default_factory=list)
    spending: list[tuple[Any, ...]] = field(default_factory=list)
    leases: list[tuple[Any, ...]] = field(default_factory=list)
    tokens: list[tuple[Any, ...]] = field(default_factory=list)


_COLUMNS = {
    "events": "at, kind, reservation_id, lease_id, request_id, principal_kind, issuer, subject,"
    " address, profile, model, renewal, seconds, fingerprint, expires_at",
    "charges": "reservation_id, key, at",
    "spending": "key, day, seconds",
    "leases": "id, holder, token_id, token_end, charged_until, granted_at, handle, drawn_until, fresh_at, deadline",
    "tokens": "id, lease_id, expires_at, place_of, counted_for, counted_until",
}


def fill(path: Path, count: int, subjects: Sequence[str], now: int) -> None:
    """Create a store at *path* with *count* events of *subjects*, up to *now* in microseconds.

    Few subjects talk often. What a sweep would have removed is left out.
    """
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
            connection.execute(f"PRAGMA {pragma}")
        # An index is built much faster when all rows are there.
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        connection.execute("BEGIN")
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for rows in _batches(count, subjects, now):
            for table, columns in _COLUMNS.items():
                marks = ", ".join("?" * (columns.count(",") + 1))
                statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - our own names
                connection.executemany(statement, getattr(rows, table))
        for name, sql in indexes:
            progress(f"indexing: {name}")
            connection.execute(sql)
        connection.execute("COMMIT")


def _batches(count: int, subjects: Sequence[str], now: int) -> Iterator[Rows]:
    chance = random.Random(7)  # noqa: S311 - no secret
    keys = [key("subject", ISSUER, subject) for subject in subjects]
    conversations = -(-count // EVENTS)
    rows, spent, today = Rows(), Counter[str](), 0
    for number in range(conversations):
        at = now - DAYS * DAY + DAYS * DAY * number // conversations
        if at // DAY != today:
            rows.spending += [(who, today, seconds) for who, seconds in spent.items()]
            spent, today = Counter(), at // DAY
        which = int(len(subjects) * chance.random() ** 2)
        _add_conversation(rows, subjects[which], keys[which], at, now)
        spent[keys[which]] += TOKENS * LIFETIME // SECOND
        if number % BATCH == BATCH - 1:
            progress(f"{(number + 1) * EVENTS:,} of {count:,} events")
            yield rows
            rows = Rows()
    rows.spending += [(who, today, seconds) for who, seconds in spent.items()]
    yield rows


def _add_conversation(rows: Rows, subject: str, who: str, at: int, now: int) -> None:
    lease, noise = os.urandom(16).hex(), os.urandom(32 * TOKENS).hex()
    ends = at + TOKENS * PACE
    person = ("user", ISSUER, subject, "192.0.2.1", "default")
    for number in range(TOKENS):
        granted = at + number * PACE
        token, request = noise[64 * number :][:32], noise[64 * number + 32 :][:32]
        about = (token, lease, request, *person, "models/gemini-3.8-live", number and 1, 300)
        fingerprint, end = noise[64 * number :][:64], granted + LIFETIME
        rows.events.append((granted, "reserved", *about, None, None))
        rows.events.append((granted + SECOND // 6, "granted", *about, fingerprint, end))
        if granted > now - DAY:
            counted = key("renewal", lease) if number else who
            rows.charges.append((token, counted, granted))
        if end > now - DAY:
            rows.tokens.append((token, lease, end, who if number == TOKENS - 1 else None, who, end))
    rows.events.append((ends, "ended", None, lease, noise[:32], *person, *[None] * 5))
    if at + LONGEST > now - DAY:
        last = noise[64 * (TOKENS - 1) :][:32]
        rows.leases.append((lease, who, last, ends, ends, ends - PACE, None, at, at, at + LONGEST))

"""Reads the audit: what was asked, granted, refunded and ended, in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from tokensvc.store.engine import transaction
from tokensvc.store.schema import events
from tokensvc.store.times import instant, microseconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Engine

_READ_AT_ONCE = 1000  # rows
_REMOVED_AT_ONCE = 10_000  # rows, so that nobody who mints waits long
COLUMNS = tuple(column.name for column in events.columns)


@dataclass(frozen=True)
class Filters:
    """Which events; None leaves a thing open."""

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    subject: str | None = None
    profile: str | None = None
    lease: str | None = None


class Audit:
    """The events of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def events(self, filters: Filters, *, last: int | None = None) -> Iterator[dict[str, Any]]:
        """The events that *filters* let through, oldest first; times are in RFC 3339, UTC.

        *last* keeps the newest so many. Read in steps, so that an export of millions holds few in
        memory and no lock for long.

        Raises:
            TemporarilyUnavailable: when the store cannot be read.
        """
        after = self._before_last(filters, last)
        while True:
            with transaction(self._engine) as connection:
                rows = connection.execute(
                    select(events)
                    .where(events.c.id > after, *_conditions(filters))
                    .order_by(events.c.id)
                    .limit(_READ_AT_ONCE)
                ).all()
            for row in rows:
                yield _shown(row._asdict())
            if len(rows) < _READ_AT_ONCE:
                return
            after = rows[-1].id

    def remove_before(self, at: datetime) -> int:
        """Remove what is older than *at*; how many events that were.

        Raises:
            TemporarilyUnavailable: when the store cannot be written.
        """
        removed = 0
        while True:
            with transaction(self._engine) as connection:
                oldest = (
                    select(events.c.id)
                    .where(events.c.at < microseconds(at))
                    .order_by(events.c.at)
                    .limit(_REMOVED_AT_ONCE)
                )
                gone = connection.execute(delete(events).where(events.c.id.in_(oldest))).rowcount
            removed += gone
            if gone < _REMOVED_AT_ONCE:
                return removed

    def _before_last(self, filters: Filters, last: int | None) -> int:
        if last is None:
            return 0
        with transaction(self._engine) as connection:
            first: int | None = connection.execute(
                select(events.c.id)
                .where(*_conditions(filters))
                .order_by(events.c.id.desc())
                .limit(1)
                .offset(last)
            ).scalar()
        return first or 0


def _conditions(filters: Filters) -> list[Any]:
    wanted = {
        events.c.kind: filters.kind,
        events.c.subject: filters.subject,
        events.c.profile: filters.profile,
        events.c.lease_id: filters.lease,
    }
    conditions: list[Any] = [column == value for column, value in wanted.items() if value]
    if filters.since:
        conditions.append(events.c.at >= microseconds(filters.since))
    if filters.until:
        conditions.append(events.c.at < microseconds(filters.until))
    return conditions


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("at", "expires_at"):
        if row[name] is not None:
            row[name] = instant(row[name]).isoformat().replace("+00:00", "Z")
    return row

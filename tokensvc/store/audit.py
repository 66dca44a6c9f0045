"""Writes and reads the audit: what was reserved, granted, refunded and ended, in order."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, insert, select

from tokensvc.domain import AuditEvent, EventKind
from tokensvc.store.driver import Request, Statement, Values
from tokensvc.store.engine import remove_until, transaction
from tokensvc.store.schema import events
from tokensvc.store.times import instant, microseconds

_BATCH = 1000  # rows
_APPEND = Statement(insert(events), [column.name for column in events.c if column.name != "id"])


@dataclass(frozen=True)
class Filters:
    """Which events to read; a field that is None filters nothing."""

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    subject: str | None = None
    profile: str | None = None
    lease: str | None = None


def record(event: AuditEvent) -> Request:
    """Return the statement that appends *event*, for the transaction of what it records."""
    return _APPEND, as_row(event)


def as_row(event: AuditEvent) -> Values:
    """Return *event* as a row of `events`, without the id, which the database assigns."""
    values = vars(event) | {"kind": str(event.kind), "at": microseconds(event.at)}
    del values["id"]
    if event.expires_at is not None:
        values["expires_at"] = microseconds(event.expires_at)
    if event.renewal is not None:
        values["renewal"] = int(event.renewal)
    return values


def reserved(engine: Engine, reservation_id: str, at: int) -> AuditEvent | None:
    """Return the event that recorded a reservation at *at*, or None if it was pruned."""
    first = select(events).where(events.c.at == at, events.c.reservation_id == reservation_id).order_by(events.c.id)
    with transaction(engine) as connection:
        row = connection.execute(first.limit(1)).one_or_none()
    return None if row is None else _event(row)


class Audit:
    """The recorded events of a store; each method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine, *, batch: int = _BATCH) -> None:
        """*batch* is how many rows one transaction reads or removes, so that no mint waits long."""
        self._engine = engine
        self._batch = batch

    def events(self, filters: Filters, *, last: int | None = None) -> Iterator[AuditEvent]:
        """Yield the events that match *filters*, oldest first; *last* limits them to the newest.

        Reads in batches, so that an export of millions holds few in memory and no lock for long.
        """
        after = self._before_last(filters, last)
        while True:
            with transaction(self._engine) as connection:
                rows = connection.execute(
                    select(events)
                    .where(events.c.id > after, *_conditions(filters))
                    .order_by(events.c.id)
                    .limit(self._batch)
                ).all()
            yield from map(_event, rows)
            if len(rows) < self._batch:
                return
            after = rows[-1].id

    def remove_before(self, at: datetime) -> int:
        """Remove the events before *at*, and return how many there were."""
        return remove_until(self._engine, events, events.c.at, microseconds(at) - 1, self._batch)

    def _before_last(self, filters: Filters, last: int | None) -> int:
        """Return the ID just before the *last* newest matches; 0, to read all, for None."""
        if last is None:
            return 0
        with transaction(self._engine) as connection:
            first: int | None = connection.execute(
                select(events.c.id).where(*_conditions(filters)).order_by(events.c.id.desc()).limit(1).offset(last)
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


def _event(row: Row[Any]) -> AuditEvent:
    values = row._asdict()
    with suppress(ValueError):  # a later release has other kinds
        values["kind"] = EventKind(row.kind)
    values["at"] = instant(row.at)
    if row.renewal is not None:
        values["renewal"] = bool(row.renewal)
    if row.expires_at is not None:
        values["expires_at"] = instant(row.expires_at)
    return AuditEvent(**values)

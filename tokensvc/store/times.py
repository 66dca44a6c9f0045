"""Converts times to and from the tables' form: whole microseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
DAY = 86_400 * SECOND
MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Return *at* as a table's number."""
    return (at - _EPOCH) // MICROSECOND


def instant(number: int) -> datetime:
    """Return a table's *number* as a time in UTC."""
    return _EPOCH + number * MICROSECOND

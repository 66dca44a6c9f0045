"""Converts times to and from the tables' form: whole microseconds since the epoch."""

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
DAY = 86_400 * SECOND
MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Return *at* as whole microseconds since the epoch."""
    return (at - _EPOCH) // MICROSECOND


def instant(number: int) -> datetime:
    """Return the time, in UTC, that is *number* microseconds after the epoch."""
    return _EPOCH + number * MICROSECOND

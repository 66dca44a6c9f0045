"""What several commands are given: the store's address, the time now, and a time as an option."""

import contextlib
import os
from datetime import UTC, datetime, timedelta

from tokensvc.config.environment import Paths
from tokensvc.config.values import duration


def store_url() -> str:
    """Return `DATABASE_URL` or its default; raise ConfigurationError if it or a path is malformed."""
    return Paths.read(os.environ).database_url


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def past_time(text: str) -> datetime:
    """Return a time such as 2026-11-22T23:00Z (UTC unless stated), or how long ago: 90m; else raise ValueError."""
    with contextlib.suppress(ValueError):
        return now() - timedelta(seconds=duration(text))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write a time such as 2026-11-22T23:00Z, or how long ago: 90m") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)

"""Counts starts and places against their limits, in an admission's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, literal, select, true, tuple_

from tokensvc.domain import LONGEST_WINDOW, Quota
from tokensvc.errors import RateLimited
from tokensvc.store.schema import charges, leases, tokens
from tokensvc.store.times import DAY, SECOND
from tokensvc.store.token_lifetimes import MOST_TOKENS, LiveTokens, Taken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Column, Connection, FromClause, Subquery, Table

    from tokensvc.domain import Window

# Outdated rows removed at each call: more than are added, so that tables stay bounded. A literal in
# the statement, so that PostgreSQL plans for few rows.
_SWEPT = literal(8, literal_execute=True)
_END_OF_TIME = 2**63 - 1  # the highest value of a time column


def charge_windows(
    connection: Connection, windows: Iterable[Window], reservation_id: str, now: int
) -> tuple[Quota, ...]:
    """Charge every window once at *now*, and return the caller's quota for each limit.

    Raises:
        RateLimited: if any limit is used up; its `retry_after` is when all limits allow a request.
    """
    quotas: list[Quota] = []
    used_up: list[Quota] = []
    for window in windows:
        for limit in window.limits:
            length = limit.seconds * SECOND
            counted = _latest(charges.c.key, charges.c.at, window.key, limit.count, now - length)
            used, oldest = connection.execute(select(counted)).one()
            # Seconds until the oldest of these charges is outside the window.
            reset = ((oldest if used else now) + length - now) / SECOND
            quotas.append(Quota(window.name, limit, max(0, limit.count - used - 1), reset))
            if used >= limit.count:
                used_up.append(quotas[-1])
    if used_up:
        raise RateLimited(
            cause="; ".join(f"{quota.name}: {quota.limit}" for quota in used_up),
            retry_after=max(quota.reset for quota in used_up),
            quotas=tuple(used_up),
        )
    rows = [
        {"reservation_id": reservation_id, "key": window.key, "at": now}
        for window in windows
        if window.limits
    ]
    if rows:
        connection.execute(insert(charges), rows)
    return tuple(quotas)


def live_tokens(
    connection: Connection, lease_id: str, holder: str, places: int | None, now: int
) -> LiveTokens:
    """Count the live tokens of a lease and, unless *places* is None, a holder, up to each limit."""
    counts = [(tokens.c.lease_id, tokens.c.expires_at, lease_id, MOST_TOKENS)]
    if places is not None:
        counts += [
            (tokens.c.place_of, tokens.c.counted_until, holder, places),
            (tokens.c.counted_for, tokens.c.counted_until, holder, 2 * places),  # placed or not
        ]
    # Each gives one row of two columns; joined, they take a single query.
    each = [_latest(*count, now) for count in counts]
    joined: FromClause = each[0]
    for subquery in each[1:]:
        joined = joined.join(subquery, true())
    columns = [column for subquery in each for column in subquery.c]
    row = connection.execute(select(*columns).select_from(joined)).one()
    limits = [limit for *_, limit in counts]
    return LiveTokens(*map(Taken, limits, row[::2], row[1::2]))


def _latest(
    column: Column[Any], times: Column[int], value: str, limit: int, after: int
) -> Subquery:
    """Select how many rows of *value* have a time after *after*, and the earliest of these times.

    Reads only the latest *limit* rows. If there are more, several have to pass before there is room
    for another, and the earliest of the latest says when. Compares pairs, so that PostgreSQL uses
    the index of both columns: for a frequent value it would otherwise scan everyone's rows by time.
    """
    both = tuple_(column, times)
    latest = (
        select(times.label("time"))
        .where(both > tuple_(value, after))
        .where(both <= tuple_(value, _END_OF_TIME))
        .order_by(column.desc(), times.desc())
        .limit(limit)
        .subquery()
    )
    return (
        select(func.count().label("count"), func.min(latest.c.time).label("first"))
        .select_from(latest)
        .subquery()
    )


def uncharge(connection: Connection, reservation_id: str) -> None:
    """Remove a reservation's charges from every window."""
    connection.execute(delete(charges).where(charges.c.reservation_id == reservation_id))


def sweep(connection: Connection, now: int) -> None:
    """Remove some outdated rows, most a day late in case the clock is set back."""
    _remove_oldest(connection, charges, charges.c.at, now - LONGEST_WINDOW * SECOND)
    _remove_oldest(connection, leases, leases.c.deadline, now - DAY)
    _remove_oldest(connection, tokens, tokens.c.expires_at, now - DAY)


def _remove_oldest(connection: Connection, table: Table, times: Column[int], before: int) -> None:
    oldest = select(table.c.id).where(times <= before).order_by(times).limit(_SWEPT)
    connection.execute(delete(table).where(table.c.id.in_(oldest)))

"""Counts starts and places against their limits: the statements, and what their answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Integer,
    String,
    bindparam,
    delete,
    func,
    insert,
    select,
    true,
    tuple_,
)

from tokensvc.domain import Quota
from tokensvc.errors import RateLimited
from tokensvc.store.driver import Statement
from tokensvc.store.schema import charges, tokens
from tokensvc.store.times import SECOND
from tokensvc.store.token_lifetimes import MOST_TOKENS, LiveTokens, Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import BindParameter, Column, FromClause, Select, Subquery

    from tokensvc.domain import Window
    from tokensvc.store.driver import Row, Values

_END_OF_TIME = 2**63 - 1  # the highest value of a time column


def window_queries(windows: Iterable[Window], now: int) -> list[tuple[Statement, Values]]:
    """Return the queries that count what was charged to each limit of *windows*."""
    return [
        (
            _IN_WINDOW,
            {"key": window.key, "limit": limit.count, "after": now - limit.seconds * SECOND},
        )
        for window in windows
        for limit in window.limits
    ]


def check_windows(
    windows: Iterable[Window], counts: Sequence[Sequence[Row]], now: int
) -> tuple[Quota, ...]:
    """Return the caller's quota for each limit after one more charge; *counts* are the answers.

    Raises:
        RateLimited: if any limit is used up; its `retry_after` is when all limits allow a request.
    """
    quotas: list[Quota] = []
    used_up: list[Quota] = []
    limits = [(window.name, limit) for window in windows for limit in window.limits]
    for (name, limit), ((used, oldest),) in zip(limits, counts, strict=True):
        # Seconds until the oldest of these charges is outside the window.
        reset = ((oldest if used else now) - now) / SECOND + limit.seconds
        quotas.append(Quota(name, limit, max(0, limit.count - used - 1), reset))
        if used >= limit.count:
            used_up.append(quotas[-1])
    if used_up:
        raise RateLimited(
            cause="; ".join(f"{quota.name}: {quota.limit}" for quota in used_up),
            retry_after=max(quota.reset for quota in used_up),
            quotas=tuple(used_up),
        )
    return tuple(quotas)


def charges_of(
    windows: Iterable[Window], reservation_id: str, now: int
) -> list[tuple[Statement, Values]]:
    """Return the statements that charge every window once at *now*."""
    return [
        (_CHARGE, {"reservation_id": reservation_id, "key": window.key, "at": now})
        for window in windows
        if window.limits
    ]


def tokens_query(
    lease_id: str, holder: str, places: int | None, now: int
) -> tuple[Statement, Values]:
    """Return the query for `live_tokens`."""
    if places is None:
        return _OF_LEASE, {"lease": lease_id, "now": now}
    values = {"lease": lease_id, "holder": holder, "now": now}
    # Counted for the holder, with a place or without.
    return _OF_LEASE_AND_HOLDER, values | {"places": places, "counted": 2 * places}


def live_tokens(places: int | None, row: Row) -> LiveTokens:
    """Return the live tokens of a lease and (unless *places* is None) of a holder."""
    limits = [MOST_TOKENS] if places is None else [MOST_TOKENS, places, 2 * places]
    return LiveTokens(*map(Taken, limits, row[::2], row[1::2]))


def uncharge(reservation_id: str) -> tuple[Statement, Values]:
    """Return the statement that removes a reservation's charges from every window."""
    return _UNCHARGE, {"reservation_id": reservation_id}


def _latest(
    column: Column[Any], times: Column[int], value: str, limit: int | BindParameter[int], after: str
) -> Subquery:
    """Select how many rows of *value* have a time after *after*, and the earliest of these times.

    Both name bound parameters. Reads only the latest *limit* rows. If there are more, several have
    to pass before there is room for another, and the earliest of the latest says when. Compares
    pairs, so that PostgreSQL uses the index of both columns: for a frequent value it would
    otherwise scan everyone's rows by time.
    """
    both = tuple_(column, times)
    wanted, since = bindparam(value, type_=String), bindparam(after, type_=BigInteger)
    latest = (
        select(times.label("time"))
        .where(both > tuple_(wanted, since))
        .where(both <= tuple_(wanted, _END_OF_TIME))
        .order_by(column.desc(), times.desc())
        .limit(limit)
        .subquery()
    )
    return (
        select(func.count().label("count"), func.min(latest.c.time).label("first"))
        .select_from(latest)
        .subquery()
    )


def _joined(*each: Subquery) -> Select[Any]:
    """Select the columns of queries of one row each."""
    joined: FromClause = each[0]
    for subquery in each[1:]:
        joined = joined.join(subquery, true())
    return select(*(column for subquery in each for column in subquery.c)).select_from(joined)


_IN_WINDOW = Statement(
    select(_latest(charges.c.key, charges.c.at, "key", bindparam("limit", type_=Integer), "after"))
)
_CHARGE = Statement(insert(charges), ["reservation_id", "key", "at"])
_UNCHARGE = Statement(
    delete(charges).where(charges.c.reservation_id == bindparam("reservation_id"))
)
_LEASE_TOKENS = _latest(tokens.c.lease_id, tokens.c.expires_at, "lease", MOST_TOKENS, "now")
_OF_LEASE = Statement(_joined(_LEASE_TOKENS))
_OF_LEASE_AND_HOLDER = Statement(
    _joined(
        _LEASE_TOKENS,
        *(
            _latest(
                column, tokens.c.counted_until, "holder", bindparam(limit, type_=Integer), "now"
            )
            for column, limit in ((tokens.c.place_of, "places"), (tokens.c.counted_for, "counted"))
        ),
    )
)

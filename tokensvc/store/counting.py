"""Counts starts and places against their limits: the statements, and what their answers mean."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from tokensvc.domain import LONGEST_TOKEN, Quota, Window
from tokensvc.errors import RateLimited
from tokensvc.store.driver import Request, Row, Statement
from tokensvc.store.schema import charges, tokens
from tokensvc.store.times import SECOND
from tokensvc.store.token_lifetimes import MOST_TOKENS, LiveTokens, Taken

_log = logging.getLogger(__name__)


def window_queries(windows: Iterable[Window], now: int) -> list[Request]:
    """Return the queries that count what was charged to each limit of *windows*.

    A clock that is set back leaves charges of the future. They count for as long as the window is.
    """
    limits = [(window.key, limit, limit.seconds * SECOND) for window in windows for limit in window.limits]
    return [
        (_IN_WINDOW, {"key": key, "limit": limit.count, "after": now - length, "until": now + length})
        for key, limit, length in limits
    ]


def check_windows(windows: Iterable[Window], counts: Sequence[Sequence[Row]], now: int) -> tuple[Quota, ...]:
    """Return the caller's quota for each limit after one more charge; *counts* are the answers.

    Logs what a window that only records would refuse.

    Raises:
        RateLimited: if any limit is used up; its `retry_after` is when all limits allow a request.
    """
    quotas: list[Quota] = []
    used_up: list[Quota] = []
    limits = [(window, limit) for window in windows for limit in window.limits]
    for (window, limit), ((used, oldest),) in zip(limits, counts, strict=True):
        # Seconds until the oldest of these charges is outside the window.
        reset = ((oldest if used else now) - now) / SECOND + limit.seconds
        if window.records:
            if used >= limit.count:
                _log.warning("limit would refuse name=%s limit=%s key=%s", window.name, limit, window.key)
            continue
        quotas.append(Quota(window.name, limit, max(0, limit.count - used - 1), reset))
        if used >= limit.count:
            used_up.append(quotas[-1])
    if used_up:
        raise RateLimited(
            cause="; ".join(f"{quota.name}: {quota.limit}" for quota in used_up),
            retry_after=max(quota.reset for quota in used_up),
            quotas=tuple(used_up),
        )
    return tuple(quotas)


def charges_of(windows: Iterable[Window], reservation_id: str, now: int) -> list[Request]:
    """Return the statements that charge every window once at *now*."""
    return [(_CHARGE, {"reservation_id": reservation_id, "key": key, "at": now}) for key in charged_keys(windows)]


def charged_keys(windows: Iterable[Window]) -> list[str]:
    """Return the keys of the windows that have a limit."""
    return [window.key for window in windows if window.limits]


def tokens_query(lease_id: str, holder: str, places: int | None, now: int) -> Request:
    """Return the query for `live_tokens`."""
    # None that was minted by the right time lives longer.
    values = {"lease": lease_id, "now": now, "until": now + LONGEST_TOKEN * SECOND}
    if places is None:
        return _OF_LEASE, values
    # Counted for the holder, with a place or without.
    return _OF_LEASE_AND_HOLDER, values | {"holder": holder, "places": places, "counted": 2 * places}


def live_tokens(places: int | None, row: Row) -> LiveTokens:
    """Return the live tokens of a lease and (unless *places* is None) of a holder."""
    limits = [MOST_TOKENS] if places is None else [MOST_TOKENS, places, 2 * places]
    return LiveTokens(*map(Taken, limits, row[::2], row[1::2]))


def uncharge(keys: Iterable[str], reservation_id: str, at: int) -> list[Request]:
    """Return the statements that remove what was charged to the windows of *keys* at *at*."""
    return [(_UNCHARGE, {"reservation_id": reservation_id, "key": key, "at": at}) for key in keys]


def _latest(
    column: sa.Column[Any],
    times: sa.Column[int],
    value: str,
    limit: int | sa.BindParameter[int],
    after: str,
    *only: sa.ColumnElement[bool],
) -> sa.Subquery:
    """Select how many rows of *value* have a time after *after*, and the earliest of these times.

    Both name bound parameters, as does `until`, the latest time that counts. Reads only the latest *limit* rows. If
    there are more, several have to pass before there is room for another, and the earliest of the latest says when.
    Compares pairs, so that PostgreSQL uses the index of both columns; it would otherwise scan everyone's rows by time.
    """
    both = sa.tuple_(column, times)
    wanted = sa.bindparam(value, type_=sa.String)
    since, until = (sa.bindparam(name, type_=sa.BigInteger) for name in (after, "until"))
    latest = (
        sa.select(times.label("time"))
        .where(both > sa.tuple_(wanted, since))
        .where(both <= sa.tuple_(wanted, until), *only)
        .order_by(column.desc(), times.desc())
        .limit(limit)
        .subquery()
    )
    return sa.select(sa.func.count().label("count"), sa.func.min(latest.c.time).label("first")).subquery()


_IN_WINDOW = Statement(
    sa.select(_latest(charges.c.key, charges.c.at, "key", sa.bindparam("limit", type_=sa.Integer), "after"))
)
_CHARGE = Statement(sa.insert(charges), ["reservation_id", "key", "at"])
_UNCHARGE = Statement(
    sa.delete(charges).where(*(charges.c[name] == sa.bindparam(name) for name in ("key", "at", "reservation_id")))
)
_LEASE_TOKENS = _latest(tokens.c.lease_id, tokens.c.expires_at, "lease", MOST_TOKENS, "now")
_OF_LEASE = Statement(sa.select(_LEASE_TOKENS))


def _of_holder(limit: str, *only: sa.ColumnElement[bool]) -> sa.Subquery:
    most = sa.bindparam(limit, type_=sa.Integer)
    return _latest(tokens.c.counted_for, tokens.c.counted_until, "holder", most, "now", *only)


# Of the tokens counted for a holder, some take a place. Each of the three has one row.
_OF_LEASE_AND_HOLDER = Statement(
    sa.select(_LEASE_TOKENS, _of_holder("places", tokens.c.place_of.is_not(None)), _of_holder("counted"))
)

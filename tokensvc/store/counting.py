"""Counts within an admitting transaction: windows, places and budgets, each bounded in its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, literal, select, tuple_, update

from tokensvc.domain import LONGEST_WINDOW, Quota
from tokensvc.errors import BudgetSpent, RateLimited, TooManyAtOnce
from tokensvc.store.schema import charges, leases, spending
from tokensvc.store.times import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from tokensvc.domain import Budget, Window

# Outdated rows removed with each new one: more than come in, so a table is bounded. Written out in
# the statement, so that PostgreSQL knows how few whichever way it plans.
_SWEPT = literal(8, literal_execute=True)
_END_OF_TIME = 2**63 - 1  # the highest that a column of times holds


def charge_windows(
    connection: Connection, windows: Iterable[Window], reservation_id: str, now: int
) -> tuple[Quota, ...]:
    """Charge every window once at *now*; where the caller then stands with each limit.

    Raises:
        RateLimited: when one is used up, or several, saying when there is more of all.
    """
    # Compared and ordered as a pair, so that only the index of both serves: where one key is
    # frequent, PostgreSQL would else walk the one by time, over everybody's charges.
    charge = tuple_(charges.c.key, charges.c.at)
    quotas: list[Quota] = []
    used_up: list[Quota] = []
    for window in windows:
        for limit in window.limits:
            length = limit.seconds * SECOND
            counted = (
                select(charges.c.at)
                .where(charge > tuple_(window.key, now - length))
                .where(charge <= tuple_(window.key, _END_OF_TIME))
                .order_by(charges.c.key.desc(), charges.c.at.desc())
                .limit(limit.count)
                .subquery()
            )
            used, oldest = connection.execute(
                select(func.count(), func.min(counted.c.at)).select_from(counted)
            ).one()
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
    _sweep(connection, now)
    rows = [
        {"reservation_id": reservation_id, "key": window.key, "at": now}
        for window in windows
        if window.limits
    ]
    if rows:
        connection.execute(insert(charges), rows)
    return tuple(quotas)


def check_places(connection: Connection, holder: str, places: int, lease_id: str, now: int) -> None:
    """Do nothing where *holder* has a place left beside those of other live leases.

    Raises:
        TooManyAtOnce: where all are taken; it says when one comes free by itself.
    """
    # Where there are fewer places than there were, several have to end: the last ones decide.
    live = (
        select(leases.c.live_until)
        .where(leases.c.holder == holder, leases.c.live_until > now, leases.c.id != lease_id)
        .order_by(leases.c.live_until.desc())
        .limit(places)
        .subquery()
    )
    taken, first = connection.execute(
        select(func.count(), func.min(live.c.live_until)).select_from(live)
    ).one()
    if taken >= places:
        raise TooManyAtOnce(cause=f"{places} places taken", retry_after=(first - now) / SECOND)


def seconds_left(connection: Connection, budgets: Sequence[Budget], now: int) -> int | None:
    """The least that is left of *budgets* today, None where there is none."""
    day = now // DAY
    left = [budget.seconds - _spent(connection, budget.key, day) for budget in budgets]
    return max(0, min(left)) if left else None


def spend(connection: Connection, budgets: Iterable[Budget], seconds: int, now: int) -> None:
    """Charge *seconds*, or give back where they are negative, to every budget's day."""
    day = now // DAY
    for budget in budgets if seconds else ():
        row = (spending.c.key == budget.key) & (spending.c.day == day)
        changed = connection.execute(
            update(spending).where(row).values(seconds=spending.c.seconds + seconds)
        )
        if changed.rowcount == 0:
            connection.execute(insert(spending).values(key=budget.key, day=day, seconds=seconds))


def refuse_spent(budgets: Sequence[Budget], now: int) -> BudgetSpent:
    """The refusal for who has too little left: it starts anew at midnight."""
    names = ", ".join(budget.name for budget in budgets)
    return BudgetSpent(cause=f"one of: {names}", retry_after=(DAY - now % DAY) / SECOND)


def uncharge(connection: Connection, reservation_id: str) -> None:
    """Take the charges of a reservation out of every window."""
    connection.execute(delete(charges).where(charges.c.reservation_id == reservation_id))


def _spent(connection: Connection, key: str, day: int) -> int:
    spent: int | None = connection.execute(
        select(spending.c.seconds).where(spending.c.key == key, spending.c.day == day)
    ).scalar()
    return spent or 0


def _sweep(connection: Connection, now: int) -> None:
    old_charges = (
        select(charges.c.id)
        .where(charges.c.at <= now - LONGEST_WINDOW * SECOND)
        .order_by(charges.c.at)
        .limit(_SWEPT)
    )
    connection.execute(delete(charges).where(charges.c.id.in_(old_charges)))
    old_leases = (
        select(leases.c.id)
        .where(leases.c.deadline <= now - DAY)
        .order_by(leases.c.deadline)
        .limit(_SWEPT)
    )
    connection.execute(delete(leases).where(leases.c.id.in_(old_leases)))

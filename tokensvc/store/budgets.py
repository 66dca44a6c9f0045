"""Keeps budgets: seconds of conversation for each day, which begins at midnight UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from tokensvc.errors import BudgetSpent
from tokensvc.store.schema import spending
from tokensvc.store.times import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from tokensvc.domain import Budget


def seconds_left(connection: Connection, budgets: Sequence[Budget], now: int) -> int | None:
    """Return the seconds left today in the budget with the least; None if there are no budgets."""
    day = _budget_day(now)
    left = [budget.seconds - _spent(connection, budget.key, day) for budget in budgets]
    return max(0, min(left)) if left else None


def spend(connection: Connection, budgets: Iterable[Budget], seconds: int, now: int) -> None:
    """Charge *seconds* to today's spending of every budget; negative *seconds* are a refund."""
    day = _budget_day(now)
    # A charge of 0 needs no row.
    for budget in budgets if seconds else ():
        row = (spending.c.key == budget.key) & (spending.c.day == day)
        changed = connection.execute(
            update(spending).where(row).values(seconds=spending.c.seconds + seconds)
        )
        if changed.rowcount == 0:
            connection.execute(insert(spending).values(key=budget.key, day=day, seconds=seconds))


def _budget_day(now: int) -> int:
    """Return the day of *now*, in days since the epoch; each day begins at midnight UTC."""
    return now // DAY


def spent_error(budgets: Sequence[Budget], now: int) -> BudgetSpent:
    """Return the error for spent budgets, which are renewed at midnight UTC."""
    names = ", ".join(budget.name for budget in budgets)
    return BudgetSpent(cause=f"one of: {names}", retry_after=(DAY - now % DAY) / SECOND)


def _spent(connection: Connection, key: str, day: int) -> int:
    spent: int | None = connection.execute(
        select(spending.c.seconds).where(spending.c.key == key, spending.c.day == day)
    ).scalar()
    return spent or 0

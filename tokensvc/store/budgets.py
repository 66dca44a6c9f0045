"""Keeps budgets: seconds of conversation for each day, which begins at midnight UTC."""

import importlib
import logging
from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from tokensvc.domain import SHORTEST_TOKEN, Budget
from tokensvc.errors import BudgetSpent
from tokensvc.store.driver import Request, Row, Statement
from tokensvc.store.schema import spending
from tokensvc.store.times import DAY, SECOND

_NO_LIMIT = 2**62
_log = logging.getLogger(__name__)


def queries(budgets: Iterable[Budget], now: int) -> list[Request]:
    """Return the query for what was spent today of each budget."""
    return [(_SPENT, {"key": budget.key, "day": now // DAY}) for budget in budgets]


def seconds_left(budgets: Iterable[Budget], answers: Iterable[Sequence[Row]]) -> int | None:
    """Return the seconds left today in the budget with the least; None if there are no budgets.

    Logs what a budget that only records would refuse.
    """
    left = unspent(budgets, answers)
    refusing = [seconds for budget, seconds in left if not budget.records]
    for budget, seconds in left:
        if budget.records and seconds < SHORTEST_TOKEN:
            _log.warning("budget would refuse name=%s seconds=%s key=%s", budget.name, budget.seconds, budget.key)
    return max(0, min(refusing)) if refusing else None


def unspent(budgets: Iterable[Budget], answers: Iterable[Sequence[Row]]) -> list[tuple[Budget, int]]:
    """Return each budget with the seconds left of it today; negative if more was spent than it has now."""
    answered = zip(budgets, answers, strict=True)
    return [(budget, budget.seconds - sum(row[0] for row in rows)) for budget, rows in answered]


def spend(budgets: Iterable[Budget], seconds: int, now: int, *, refund: bool = False) -> list[Request]:
    """Return the statements that charge *seconds* to today's spending of every budget.

    One that changes no row found its budget spent by somebody else since it was read: budgets are
    shared, and are not locked before. They are charged last and in sorted order, so that no
    transaction holds a shared row for long, or waits for one that waits for it.
    """
    if not seconds:  # a charge of 0 needs no row
        return []
    charge = {"day": now // DAY, "seconds": -seconds if refund else seconds}
    return [
        (_SPEND, charge | {"key": budget.key, "most": _NO_LIMIT if refund or budget.records else budget.seconds})
        for budget in sorted(budgets, key=lambda budget: budget.key)
    ]


def spent_error(budgets: Sequence[Budget], now: int) -> BudgetSpent:
    """Return the error for spent budgets, which are renewed at midnight UTC."""
    names = ", ".join(budget.name for budget in budgets)
    return BudgetSpent(cause=f"one of: {names}", retry_after=(DAY - now % DAY) / SECOND)


def _spending(engine: str) -> sqlite.Insert | postgresql.Insert:
    # Either takes a while to import, and one of them is not needed.
    dialect = importlib.import_module(f"sqlalchemy.dialects.{engine}")
    added: sqlite.Insert | postgresql.Insert = dialect.insert(spending)
    total = spending.c.seconds + added.excluded.seconds
    return added.on_conflict_do_update(
        index_elements=["key", "day"],
        set_={"seconds": total},
        where=total <= bindparam("most", type_=spending.c.seconds.type),
    )


_SPENT = Statement(
    select(spending.c.seconds).where(spending.c.key == bindparam("key"), spending.c.day == bindparam("day"))
)
_SPEND = Statement(_spending, ["key", "day", "seconds"])

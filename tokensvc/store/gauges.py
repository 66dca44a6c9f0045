"""Reads from the store what a dashboard shows: live conversations, and what is left of shared budgets."""

from collections.abc import Sequence

from sqlalchemy import Engine, func, select

from tokensvc.domain import Budget
from tokensvc.store.engine import transaction
from tokensvc.store.schema import leases, spending
from tokensvc.store.times import DAY


def live_leases(engine: Engine, now: int) -> int:
    """Return how many conversations have a token that has not expired.

    Raises:
        TemporarilyUnavailable: if the store cannot be read.
    """
    with transaction(engine) as connection:
        return connection.execute(select(func.count()).where(leases.c.token_end > now)).scalar_one()


def seconds_left(engine: Engine, budgets: Sequence[Budget], now: int) -> dict[str, tuple[int, int]]:
    """Return the seconds of each budget, and how many of them are left today (UTC), by its name.

    Raises:
        TemporarilyUnavailable: if the store cannot be read.
    """
    spent = select(spending.c.key, spending.c.seconds).where(
        spending.c.day == now // DAY, spending.c.key.in_([budget.key for budget in budgets])
    )
    with transaction(engine) as connection:
        used = dict(connection.execute(spent).tuples().all())
    return {budget.name: (budget.seconds, max(0, budget.seconds - used.get(budget.key, 0))) for budget in budgets}

"""A machine's clock that jumps back and is corrected grants nobody more than allowed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tokensvc.errors import Blocked, BudgetSpent, RateLimited, TooManyAtOnce
from tokensvc.store.blocks import Blocks
from tokensvc.store.schema import spending

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize("step", [-1, -30, -HOUR, -30 * DAY])
def test_limits_places_and_budgets_hold_after_the_clock_is_set_back(ledger, clock, admission, step):
    for _ in range(2):
        ledger.admit(admission("limited", limits="2/60"))
        ledger.admit(admission("placed", places=2))
    ledger.admit(admission("spending", budget=300))

    clock.advance(step)
    with pytest.raises(RateLimited) as refused:
        ledger.admit(admission("limited", limits="2/60"))
    assert refused.value.retry_after == 60 - step
    with pytest.raises(TooManyAtOnce):
        ledger.admit(admission("placed", places=2))
    if step > -HOUR * 23:  # on the same day
        with pytest.raises(BudgetSpent):
            ledger.admit(admission("spending", budget=300))

    clock.advance(-step + 60)
    ledger.admit(admission("limited", limits="2/60"))


def test_renewal_after_the_clock_is_set_back_is_charged_once(
    engine, ledger, clock, admission, lease
):
    held = lease("alice")
    ledger.admit(admission("alice", lease=held, renewal=False, budget=10_000))
    clock.advance(-120)
    again = ledger.admit(admission("alice", lease=held, budget=10_000))

    assert again.seconds == 0
    with engine.begin() as connection:
        assert connection.execute(select(spending.c.seconds)).scalar_one() == 300
    clock.advance(120 + 240)
    assert ledger.admit(admission("alice", lease=held, budget=10_000)).seconds == 240


def test_block_is_in_force_until_its_end_on_the_clock(engine, ledger, clock, admission):
    Blocks(engine, clock).put("everyone", clock.now)
    clock.advance(-1)
    with pytest.raises(Blocked) as refused:
        ledger.admit(admission(blocks=("everyone",)))
    assert refused.value.retry_after == 1

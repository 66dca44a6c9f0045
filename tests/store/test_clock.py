"""A machine's clock that is set wrong and right again gives nobody more than their due."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tokensvc.errors import Blocked, BudgetSpent, RateLimited, TooManyAtOnce
from tokensvc.store.blocks import Blocks
from tokensvc.store.schema import spending

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize("step", [-1, -30, -HOUR, -30 * DAY])
def test_a_clock_that_is_set_back(ledger, clock, admission, step):
    """What was granted counts on; nobody gets a window, a place or a budget twice."""
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


def test_a_conversation_across_a_step(engine, ledger, clock, admission, lease):
    """What is paid for stays paid for, and is not paid for twice."""
    held = lease("alice")
    ledger.admit(admission("alice", lease=held, renewal=False, budget=10_000))
    clock.advance(-120)
    again = ledger.admit(admission("alice", lease=held, budget=10_000))

    assert again.seconds == 0
    with engine.begin() as connection:
        assert connection.execute(select(spending.c.seconds)).scalar_one() == 300
    clock.advance(120 + 240)
    assert ledger.admit(admission("alice", lease=held, budget=10_000)).seconds == 240


def test_a_block_across_a_step(engine, ledger, clock, admission):
    """It is in force for as long as the clock says, and not over before."""
    Blocks(engine, clock).put("everyone", clock.now)
    clock.advance(-1)
    with pytest.raises(Blocked) as refused:
        ledger.admit(admission(blocks=("everyone",)))
    assert refused.value.retry_after == 1

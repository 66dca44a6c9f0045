"""A machine's clock that jumps back and is corrected grants nobody more than allowed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tokensvc.errors import Blocked, BudgetSpent, RateLimited, TooManyAtOnce
from tokensvc.store.blocks import Blocks
from tokensvc.store.schema import spending

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize("step", [-1, -30, -59])
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
    with pytest.raises(BudgetSpent):
        ledger.admit(admission("spending", budget=300))

    clock.advance(-step + 60)
    ledger.admit(admission("limited", limits="2/60"))


@pytest.mark.parametrize("ahead", [120, HOUR, 30 * DAY])
def test_limit_refuses_nobody_for_longer_after_the_clock_was_ahead(ledger, clock, admission, ahead):
    """A charge of the future counts no more than one of the past."""
    clock.advance(ahead)
    for _ in range(2):
        ledger.admit(admission(limits="2/60"))
    clock.advance(-ahead)

    ledger.admit(admission(limits="2/60"))
    ledger.admit(admission(limits="2/60"))
    with pytest.raises(RateLimited):
        ledger.admit(admission(limits="2/60"))


def test_place_is_held_for_no_longer_than_a_token_can_live_after_the_clock_was_ahead(ledger, clock, admission):
    for ahead in (19 * HOUR, 30 * DAY):
        clock.advance(ahead)
        ledger.admit(admission(f"{ahead}", places=1))
        clock.advance(-ahead)

    ledger.admit(admission(f"{30 * DAY}", places=1))
    with pytest.raises(TooManyAtOnce) as refused:
        ledger.admit(admission(f"{19 * HOUR}", places=1))
    assert refused.value.retry_after <= 20 * HOUR


def test_renewal_after_the_clock_is_set_back_is_charged_once(engine, ledger, clock, admission, lease):
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

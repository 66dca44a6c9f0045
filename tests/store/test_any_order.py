"""Limits are exact in any order of requests, refunds and pauses, from two processes' stores, one by one or at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from store.conftest import NUMBERS
from tokensvc.domain import Limit, Window
from tokensvc.errors import RateLimited
from tokensvc.store.engine import open_engine
from tokensvc.store.ledger import Ledger

limits = st.lists(st.builds(Limit, st.integers(1, 4), st.sampled_from([1, 10, 60])), min_size=1, max_size=3)


class Requests(RuleBasedStateMachine):
    """Requests of one person, and a model: which were granted when, and not refunded."""

    def __init__(self, ledgers, threads, clock, admission):
        super().__init__()
        self.ledgers, self.threads, self.clock, self.admission = ledgers, threads, clock, admission
        self.subject = f"person-{next(NUMBERS)}"
        self.granted = []

    @initialize(chosen=limits)
    def configure(self, chosen):
        self.windows = (Window("user", self.subject, tuple(chosen)),)

    @property
    def left(self):
        """How many requests may still be granted now."""
        ages = [(self.clock.now - at).total_seconds() for at, _ in self.granted]
        (window,) = self.windows
        return min(each.count - sum(age < each.seconds for age in ages) for each in window.limits)

    def ask(self, process):
        try:
            return self.ledgers[process].admit(self.admission(self.subject, windows=self.windows))
        except RateLimited as refused:
            return refused

    @rule(processes=st.lists(st.integers(0, 1), min_size=1, max_size=5))
    def request(self, processes):
        """Ask from these processes, all at once."""
        expected = min(self.left, len(processes))
        results = list(self.threads.map(self.ask, processes))
        granted = [each for each in results if not isinstance(each, RateLimited)]
        assert len(granted) == expected
        self.granted += [(self.clock.now, reservation) for reservation in granted]

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), process=st.integers(0, 1))
    def refund(self, data, process):
        index = data.draw(st.integers(0, len(self.granted) - 1))
        _, reservation = self.granted.pop(index)
        self.ledgers[process].refund(reservation, "upstream-timeout")

    @rule(seconds=st.sampled_from([0.000001, 0.4, 1, 9.999999, 10, 59.999999, 60]))
    def wait(self, seconds):
        self.clock.advance(seconds)


@pytest.fixture(name="ledgers")
def _ledgers(engine, database_url, clock):
    """The ledgers of two processes, on one store."""
    other = open_engine(database_url)
    yield [Ledger(each, clock) for each in (engine, other)]
    other.dispose()


def run_examples(ledgers, clock, admission, count):
    """Try *count* orders of up to 20 steps, always the same ones."""
    chosen = settings(max_examples=count, stateful_step_count=20, deadline=None, database=None, derandomize=True)
    with ThreadPoolExecutor(5) as threads:
        run_state_machine_as_test(lambda: Requests(ledgers, threads, clock, admission), settings=chosen)


def test_as_many_as_the_limits_allow_are_granted_in_any_order(ledgers, clock, admission):
    run_examples(ledgers, clock, admission, 40)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_as_many_as_the_limits_allow_are_granted_in_a_thousand_orders(ledgers, clock, admission):
    run_examples(ledgers, clock, admission, 1000)

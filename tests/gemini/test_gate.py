"""While Google is slow or gone, few threads wait for it."""

import math
from contextlib import ExitStack

import pytest

from tokensvc.errors import UpstreamBusy, UpstreamUnavailable
from tokensvc.gemini.gate import FAILURES, LONGEST, PAUSE, Gate


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="gate")
def _gate(clock):
    return Gate(most=4, for_renewals=1, steady=clock)


def test_full_gate_refuses_starts_first_and_then_renewals(gate):
    with ExitStack() as waiting:
        for _ in range(3):
            waiting.enter_context(gate.passage(renewal=False))
        with pytest.raises(UpstreamBusy):
            waiting.enter_context(gate.passage(renewal=False))
        waiting.enter_context(gate.passage(renewal=True))
        with pytest.raises(UpstreamBusy):
            waiting.enter_context(gate.passage(renewal=True))
    with gate.passage(renewal=False):
        pass


def test_few_starts_that_are_refused_come_again_soon_and_a_crowd_over_a_longer_time(clock):
    full = Gate(most=0, for_renewals=0, steady=clock)

    def told(count, *, renewal=False):
        found = []
        for _ in range(count):
            with pytest.raises(UpstreamBusy) as refused, full.passage(renewal=renewal):
                pass
            found.append(math.ceil(refused.value.retry_after))  # as `Retry-After` says it
        return found

    assert max(told(5)) == 1
    assert max(told(495)) <= 10  # seconds, for 500
    assert len(set(told(100))) > 5
    assert LONGEST / 2 < max(told(10_000)) <= LONGEST
    assert set(told(50, renewal=True)) == {0}
    clock.now += LONGEST
    assert max(told(5)) == 1


def test_place_is_free_again_after_any_error(gate):
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), gate.passage(renewal=False):
            raise ZeroDivisionError


def fail(gate, times):
    for _ in range(times):
        with gate.passage(renewal=False):
            gate.record(answered=False)


def test_whether_google_answers_is_told_once_it_is_known(gate):
    told = []
    gate.tell = told.append
    fail(gate, FAILURES - 1)
    assert told == []
    fail(gate, 1)
    assert told == [False]
    gate.record(answered=True)
    gate.record(answered=False)
    assert told == [False, True]


def test_after_many_failures_nothing_is_sent_until_a_pause_is_over(gate, clock):
    fail(gate, FAILURES)
    with pytest.raises(UpstreamUnavailable) as refused, gate.passage(renewal=True):
        pass
    assert refused.value.retry_after == PAUSE
    with pytest.raises(UpstreamUnavailable) as refused, gate.passage(renewal=False):
        pass
    assert PAUSE <= refused.value.retry_after <= PAUSE + LONGEST
    clock.now += PAUSE
    with gate.passage(renewal=False):
        with pytest.raises(UpstreamUnavailable), gate.passage(renewal=False):
            pass  # one tries, and no other
        gate.record(answered=True)
    with gate.passage(renewal=False):
        pass


def test_failed_try_closes_the_gate_again(gate, clock):
    fail(gate, FAILURES)
    clock.now += PAUSE
    fail(gate, 1)
    with pytest.raises(UpstreamUnavailable), gate.passage(renewal=False):
        pass


def test_try_that_was_refused_before_it_asked_google_is_the_next_ones(gate, clock):
    fail(gate, FAILURES)
    clock.now += PAUSE
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.passage(renewal=True):
            raise ZeroDivisionError
    with gate.passage(renewal=False):
        gate.record(answered=True)


def test_answer_of_any_kind_resets_the_count(gate):
    fail(gate, FAILURES - 1)
    gate.record(answered=True)
    fail(gate, FAILURES - 1)
    with gate.passage(renewal=False):
        pass

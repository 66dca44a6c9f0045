"""Calls of server tools: each runs once, and is on record before it runs."""

import threading

import pytest
from sqlalchemy import select, text

from tokensvc.domain import Limit, ToolAdmission, Window
from tokensvc.errors import LeaseOver, RateLimited, ToolNotWaiting, ToolOutcomeUnknown, ToolRunning
from tokensvc.store.schema import events
from tokensvc.store.sweeping import Sweeper
from tokensvc.store.tool_calls import Begun, ToolCalls

ANSWER = '{"output": 17}'


@pytest.fixture(name="calls")
def _calls(engine, clock):
    return ToolCalls(engine, clock)


@pytest.fixture(name="call")
def _call(ledger, admission):
    """Make a call in a conversation that has begun."""
    conversation = admission()
    ledger.admit(conversation)

    def make(call="one", **fields):
        defaults = {
            "request_id": "request-1",
            "address": "192.0.2.1",
            "lease": conversation.lease,
            "call": call,
            "tool": "book",
            "key": None,
            "same_for": 600,
            "arguments_hash": "a" * 64,
            "arguments": None,
            "timeout": 8,
            "pure": False,
            "waits": False,
            "per_conversation": None,
            "windows": (),
            "blocks": (),
        }
        return ToolAdmission(**defaults | fields)

    return make


def kinds(engine):
    with engine.begin() as connection:
        rows = connection.execute(select(events.c.kind, events.c.code).order_by(events.c.id)).all()
    return [tuple(row) for row in rows if row.kind not in {"reserved", "granted"}]


def test_call_runs_once_and_is_answered_as_before(calls, call, engine):
    assert calls.begin(call()) == Begun()
    with pytest.raises(ToolRunning):
        calls.begin(call())
    calls.finish(call(), "done", ANSWER)
    assert calls.begin(call()) == Begun(answer=ANSWER)
    assert kinds(engine) == [("called", "book"), ("returned", "done")]


def test_call_whose_process_has_died_is_never_run_again_unless_it_is_pure(calls, call, clock):
    calls.begin(call())
    calls.begin(call("two", pure=True))
    clock.advance(9)
    with pytest.raises(ToolRunning):
        calls.begin(call())
    clock.advance(2)
    with pytest.raises(ToolOutcomeUnknown):
        calls.begin(call())
    assert calls.begin(call("two", pure=True)) == Begun()


def test_of_calls_at_the_same_instant_one_runs(calls, call):
    barrier, results = threading.Barrier(8), []

    def begin():
        barrier.wait()
        try:
            results.append(calls.begin(call()))
        except Exception as error:  # noqa: BLE001 - seen below
            results.append(type(error))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == sorted(map(str, [Begun(), *[ToolRunning] * 7]))


def test_calls_that_are_the_same_have_one_answer_for_ten_minutes(calls, call, clock):
    calls.begin(call(key="monday"))
    with pytest.raises(ToolRunning):
        calls.begin(call("two", key="monday"))
    calls.finish(call(key="monday"), "done", ANSWER)
    assert calls.begin(call("two", key="monday")) == Begun(answer=ANSWER)
    assert calls.begin(call("three", key="tuesday")) == Begun()
    assert calls.begin(call("four")) == Begun()
    clock.advance(601)
    assert calls.begin(call("five", key="monday")) == Begun()


@pytest.mark.parametrize("outcome", ["refused", "failed"])
def test_call_that_did_nothing_may_be_made_again(calls, call, outcome):
    calls.begin(call(key="monday"))
    calls.finish(call(key="monday"), outcome, ANSWER)
    assert calls.begin(call("two", key="monday")) == Begun()


def test_call_that_timed_out_may_have_had_its_effect(calls, call):
    calls.begin(call(key="monday"))
    calls.finish(call(key="monday"), "timed-out", ANSWER)
    assert calls.begin(call("two", key="monday")) == Begun(answer=ANSWER)


def test_same_calls_of_two_tools_or_two_conversations_are_two(calls, call, admission, ledger):
    other = admission("bob")
    ledger.admit(other)
    calls.begin(call(key="monday"))
    assert calls.begin(call("two", key="monday", tool="cancel")) == Begun()
    assert calls.begin(call(key="monday", lease=other.lease)) == Begun()


def test_call_that_waits_runs_once_it_is_confirmed(calls, call, engine):
    asked = call(waits=True)
    calls.hold(asked, "once", '"prepared"', calls.begin(asked))
    assert calls.begin(asked) == Begun(waiting=True, prepared='"prepared"')
    with pytest.raises(ToolNotWaiting):
        calls.confirm(asked, "guessed")
    with pytest.raises(ToolNotWaiting):
        calls.confirm(call(waits=True, arguments_hash="b" * 64), "once")
    assert calls.confirm(asked, "once") == Begun(prepared='"prepared"')
    with pytest.raises(ToolRunning):
        calls.confirm(asked, "once")
    calls.finish(asked, "done", ANSWER)
    assert calls.confirm(asked, "once") == Begun(answer=ANSWER)
    assert kinds(engine) == [("asked", "book"), ("called", "book"), ("returned", "done")]


def test_nothing_is_confirmed_that_was_not_asked_or_has_waited_too_long(calls, call, clock):
    with pytest.raises(ToolNotWaiting):
        calls.confirm(call(), "once")
    calls.hold(call(waits=True), "once", "null", calls.begin(call(waits=True)))
    clock.advance(601)
    with pytest.raises(ToolNotWaiting):
        calls.confirm(call(waits=True), "once")


@pytest.mark.parametrize("other", [{"arguments_hash": "b" * 64}, {"tool": "find", "waits": False}])
def test_id_of_a_call_that_waits_is_for_no_other_call(calls, call, other):
    """Else that would run without its limits, its record, and what was prepared for it."""
    asked = call(waits=True)
    calls.hold(asked, "once", "null", calls.begin(asked))
    with pytest.raises(ToolNotWaiting):
        calls.begin(call(**{"waits": True} | other))
    assert calls.begin(asked).waiting


def test_id_of_another_tools_call_gets_no_answer_of_it(calls, call):
    calls.begin(call())
    calls.finish(call(), "done", ANSWER)
    with pytest.raises(ToolNotWaiting):
        calls.begin(call(tool="find"))


def test_call_that_is_confirmed_while_it_is_asked_again_runs_once(calls, call):
    asked = call(waits=True)
    calls.hold(asked, "once", "null", calls.begin(asked))
    again = calls.begin(asked)
    calls.confirm(asked, "once")
    with pytest.raises(ToolRunning):
        calls.hold(asked, "twice", "null", again)
    calls.finish(asked, "done", ANSWER)
    with pytest.raises(ToolRunning):
        calls.hold(asked, "twice", "null", again)
    assert calls.confirm(asked, "twice") == Begun(answer=ANSWER)


def test_limits_are_those_of_the_conversation_and_of_the_person(calls, call, clock):
    for name in ("one", "two"):
        calls.begin(call(name, per_conversation=2))
    with pytest.raises(RateLimited):
        calls.begin(call("three", per_conversation=2))
    hourly = (Window("book", "ada books", (Limit(1, 3600),)),)
    calls.begin(call("four", windows=hourly))
    with pytest.raises(RateLimited) as refused:
        calls.begin(call("five", windows=hourly))
    assert refused.value.retry_after == 3600
    clock.advance(3601)


def test_nothing_runs_in_a_conversation_that_has_ended(calls, call, ledger):
    made = call()
    calls.begin(made)
    calls.finish(made, "done", ANSWER)
    ledger.end(made.lease, "request-2", "192.0.2.1")
    with pytest.raises(LeaseOver):
        calls.begin(made)
    with pytest.raises(LeaseOver):
        calls.confirm(made, "once")


def test_cancelled_call_knows_it(calls, call):
    calls.begin(call())
    assert not calls.cancelled(call())
    calls.cancel(call().lease.id, "one")
    assert calls.cancelled(call())


def test_answers_are_removed_a_day_after_their_conversation(calls, call, engine, clock):
    calls.begin(call())
    clock.advance(86400 + 1801)
    Sweeper(engine, clock).sweep()
    with engine.begin() as connection:
        assert connection.execute(text("select count(*) from tool_calls")).scalar_one() == 0

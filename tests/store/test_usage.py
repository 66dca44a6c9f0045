"""What clients report: kept beside what was granted, believed by nobody."""

import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from tokensvc.domain import EphemeralToken
from tokensvc.store.refused import OTHER, Refusals
from tokensvc.store.usage import Report, Usage

MODEL = "models/gemini-3.8-live"


@pytest.fixture(name="usage")
def _usage(engine, clock):
    return Usage(engine, clock)


@pytest.mark.parametrize(
    "said",
    [
        None,
        17,
        "x",
        [],
        {"seconds": -5},
        {"seconds": "12"},
        {"seconds": float("nan")},
        {"seconds": float("-inf")},
        {"seconds": True},
        {"tokens": 5},
        {"tokens": {"prompt": 5}},
        {"tokens": {"prompt": {"AUDIO": -1, "SMELL": 5}, "bribes": {"TEXT": 1}}},
        {"ended": "<script>", "rating": "best"},
        {"ended": "x" * 100},
        {"ended": [], "rating": []},
        {"ended": {}, "rating": {"good": 1}},
    ],
)
def test_what_is_not_credible_is_left_out(said):
    assert Report.of(said, 100) == Report()


def test_counts_are_bounded_by_time_and_by_reason():
    said = {"seconds": 1e12, "tokens": {"prompt": {"AUDIO": 1e30}}}
    assert Report.of(said, 100) == Report(160, {"prompt.AUDIO": 10**9})


def test_reports_never_fall(usage, ledger, admission, clock):
    talk = ledger.admit(admission()).admission.lease
    clock.advance(600)
    usage.report(talk, MODEL, {"seconds": 500, "tokens": {"prompt": {"AUDIO": 70}}, "ended": "idle"})
    usage.report(talk, MODEL, {"seconds": 3, "tokens": {"prompt": {"AUDIO": 1}, "response": {"TEXT": 2}}})
    usage.report(talk, MODEL, {"rating": "good"})
    assert usage.reported_today() == {"default": 500}
    assert usage.remove_before(talk.started_at) == 0
    assert usage.remove_before(clock()) == 1


def test_report_of_a_conversation_without_a_record_is_not_kept(usage, lease):
    usage.report(lease(), MODEL, {"seconds": 0})
    assert usage.reported_today() == {}


def test_granted_and_reported_agree_to_the_unit_in_every_group(usage, ledger, admission, clock):
    for subject, seconds in (("alice", 40), ("alice", 50), ("bob", 60)):
        reservation = ledger.admit(admission(subject))
        ledger.grant(reservation, EphemeralToken("auth_tokens/x", reservation.expires_at, reservation.expires_at))
        clock.advance(100)
        talk = reservation.admission.lease
        usage.report(talk, MODEL, {"seconds": seconds, "tokens": {"response": {"AUDIO": 10}}, "ended": "hung-up"})
    ledger.admit(admission("carol"))  # never granted
    since, until = clock() - timedelta(hours=1), clock() + timedelta(hours=1)
    (whole,) = usage.spent(since, until, ("profile",))
    assert (whole.conversations, whole.granted, whole.reported) == (3, 900, 150)
    assert (whole.tokens, whole.ended) == ({MODEL: {"response.AUDIO": 30}}, {"hung-up": 3})
    alice, bob = usage.spent(since, until, ("day", "subject"))
    assert (alice.group, alice.granted, alice.reported) == (("2026-11-22", "alice"), 600, 90)
    assert (bob.group[1], bob.reported) == ("bob", 60)


def test_conversation_counts_once_for_the_time_in_which_it_began(usage, ledger, admission, clock):
    middle, first = clock() + timedelta(seconds=100), admission("alice", wanted=200)
    for asked in (first, admission("alice", lease=first.lease, wanted=200)):
        reservation = ledger.admit(asked)
        ledger.grant(reservation, EphemeralToken("auth_tokens/x", reservation.expires_at, reservation.expires_at))
        clock.advance(150)
    usage.report(first.lease, MODEL, {"seconds": 250})
    hour = timedelta(hours=1)
    (whole,) = usage.spent(middle - hour, middle + hour, ("day",))
    assert (whole.conversations, whole.granted, whole.reported) == (1, 350, 250)
    assert usage.spent(middle - hour, middle, ("day",)) == [whole]
    assert usage.spent(middle, middle + hour, ("day",)) == []


def test_refusals_are_counted_by_minute_code_person_and_address(engine, clock):
    refusals = Refusals(engine, clock, every=3600)
    facts = {"code": "rate-limited", "issuer": "i", "subject": "ada", "address": "192.0.2.1", "profile": "default"}
    for _ in range(3):
        refusals.count(facts)
    refusals.count({**facts, "subject": "bob"})
    refusals.count({"status": 200})
    clock.advance(60)
    refusals.count(facts)
    refusals.write()
    refusals.write()
    found = list(refusals.listed(clock() - timedelta(hours=1)))
    assert [(each.code, each.subject, each.count) for each in found] == [
        ("rate-limited", "ada", 3),
        ("rate-limited", "bob", 1),
        ("rate-limited", "ada", 1),
    ]
    assert refusals.remove_before(clock() + timedelta(hours=1)) == 3


def test_guests_of_an_address_are_counted_together(engine, clock):
    """Each of their requests has another subject."""
    refusals = Refusals(engine, clock, every=3600)
    for subject in ("x1", "x2", "x3"):
        facts = {"kind": "guest", "issuer": "guest", "subject": subject, "address": "192.0.2.1"}
        refusals.count({"code": "authentication-required", **facts})
    refusals.write()
    found = list(refusals.listed(clock() - timedelta(hours=1)))
    assert [(each.subject, each.address, each.count) for each in found] == [("", "192.0.2.1", 3)]


def test_flood_of_names_takes_few_rows(engine, clock):
    refusals = Refusals(engine, clock, every=3600)
    for number in range(2000):
        refusals.count({"code": "invalid-token", "address": f"192.0.2.{number}"})
    refusals.write()
    found = list(refusals.listed(clock() - timedelta(hours=1)))
    assert len(found) == 501
    assert sum(each.count for each in found) == 2000
    assert [each.count for each in found if each.address == OTHER] == [1500]


@contextmanager
def away(engine):
    """Take the counts of refusals away, as if the store were."""
    rename = "ALTER TABLE {} RENAME TO {}"
    with engine.begin() as connection:
        connection.execute(text(rename.format("refusals", "elsewhere")))
    yield
    with engine.begin() as connection:
        connection.execute(text(rename.format("elsewhere", "refusals")))


def test_nothing_is_lost_while_the_store_is_away_and_rows_stay_few(engine, clock):
    refusals = Refusals(engine, clock, every=3600)
    with away(engine):
        for minute in range(5):
            for number in range(300):
                code = "rate-limited" if number % 3 else "blocked"
                refusals.count({"code": code, "subject": "ada", "address": f"{minute} {number}"})
            refusals.write()
            clock.advance(60)
    refusals.count({"code": "blocked", "address": "the last"})
    refusals.write()
    found = list(refusals.listed(clock() - timedelta(hours=1)))
    assert len(found) == 502
    assert sum(each.count for each in found) == 1501
    others = {each.code: each for each in found if each.subject == each.address == OTHER}
    assert {code: (each.count, clock() - each.at) for code, each in others.items()} == {
        "blocked": (334, timedelta(minutes=4)),
        "rate-limited": (667, timedelta(minutes=4)),
    }


def await_written(refusals, clock):
    """Read until something was written; without a pause, the writer would hardly get SQLite's one connection."""
    while not list(refusals.listed(clock() - timedelta(hours=1))):
        time.sleep(0.01)


def test_refusals_are_written_once_the_store_is_back_although_nobody_else_is_refused(engine, clock, caplog):
    refusals = Refusals(engine, clock, every=0.01)
    with away(engine):
        refusals.count({"code": "rate-limited"})
        while "refusals not written yet" not in caplog.text:
            pass
    await_written(refusals, clock)


def test_refusals_are_written_in_the_background(engine, clock):
    refusals = Refusals(engine, clock, every=0.01)
    refusals.count({"code": "rate-limited"})
    await_written(refusals, clock)

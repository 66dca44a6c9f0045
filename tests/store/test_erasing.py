"""Erasing one person: nothing in the store names them afterwards, and what was counted is as before."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from tokensvc.domain import ACCOUNT_ISSUER, Account, Budget, EphemeralToken, Limit, ToolAdmission, Window
from tokensvc.errors import LeaseOver, TemporarilyUnavailable
from tokensvc.plain_text import PSEUDONYM
from tokensvc.quota_keys import key
from tokensvc.store.accounts import Accounts
from tokensvc.store.audit import Audit, Filters
from tokensvc.store.engine import file_of
from tokensvc.store.erasing import Erasing
from tokensvc.store.logins import Logins
from tokensvc.store.refused import Refusals
from tokensvc.store.schema import events, metadata
from tokensvc.store.tool_calls import ToolCalls
from tokensvc.store.usage import Usage

ISSUER = "https://shop.example"
ALICE = key("subject", ISSUER, "alice")
ERASED = "erased:" + "0123456789abcdef" * 2


@pytest.fixture(name="erasing")
def _erasing(engine, clock):
    return Erasing(engine, clock)


@pytest.fixture(name="talk")
def _talk(engine, clock, ledger, admission):
    """Begin a conversation in which a tool is called, its usage is reported, and a request is refused."""

    def begin(subject, *, minted=True, returned=True, reported=True):
        who, address = key("subject", ISSUER, subject), f"address-of-{subject}"
        window, budget = Window("user", who, (Limit(9, 60),)), Budget("user", who, 9000)
        asked = admission(subject, windows=(window,), budgets=(budget,), holder=who, places=9, address=address)
        reservation = ledger.admit(asked)
        if minted:
            ledger.grant(reservation, EphemeralToken("auth_tokens/x", reservation.expires_at, clock()))
        call = ToolAdmission(
            request_id="request-2",
            address=address,
            lease=asked.lease,
            call="1",
            tool="find",
            key=f"key-of-{subject}",
            same_for=60,
            timeout=20,
            pure=False,
            waits=False,
            arguments_hash=f"hash-of-{subject}",
            arguments=f"arguments-of-{subject}",
            per_conversation=None,
            windows=(window,),
            blocks=(),
        )
        ToolCalls(engine, clock).begin(call)
        if returned:
            ToolCalls(engine, clock).finish(call, "done", f"answer-to-{subject}")
        if reported:
            Usage(engine, clock).report(asked.lease, "models/m", {"seconds": 7})
        refusals = Refusals(engine, clock, every=3600)
        refusals.count({"code": "rate-limited", "issuer": ISSUER, "subject": subject, "address": address})
        refusals.write()
        return asked

    return begin


def content(engine):
    """Return every row of the store, as text."""
    with engine.begin() as connection:
        return [f"{table.name} {row}" for table in metadata.sorted_tables for row in connection.execute(select(table))]


def about(subject, rows):
    who = key("subject", ISSUER, subject)
    return [row for row in rows if subject in row or who in row]


def counted(engine, clock):
    """Return what is counted of events, usage and refusals, without names."""
    since, until = clock() - timedelta(hours=1), clock() + timedelta(hours=1)
    with engine.begin() as connection:
        sums = select(events.c.kind, func.count(), func.sum(events.c.seconds)).where(events.c.kind != "erased")
        kinds = connection.execute(sums.group_by(events.c.kind).order_by(events.c.kind)).all()
    by_person = Usage(engine, clock).spent(since, until, ("subject",))
    totals = sorted((each.conversations, each.granted, each.reported) for each in by_person)
    return kinds, totals, sum(each.count for each in Refusals(engine, clock).listed(since))


def test_nothing_names_an_erased_person_and_others_are_as_before(engine, clock, talk, erasing):
    for subject in ("alice", "bob", "alice"):
        talk(subject)
        clock.advance(1)
    before, figures = content(engine), counted(engine, clock)

    assert {row.split()[0] for row in about("alice", before)} == {
        *("events", "charges", "spending", "leases", "tokens", "tool_calls", "usage", "refusals"),
    }
    assert erasing.issuers_of("alice") == [ISSUER]
    erasing.erase(ISSUER, "alice", ALICE)

    assert about("alice", content(engine)) == []
    assert erasing.issuers_of("alice") == []
    assert about("bob", content(engine)) == about("bob", before)
    assert counted(engine, clock) == figures


def test_conversation_whose_events_were_pruned_is_erased_too(engine, clock, talk, erasing):
    talk("alice")
    clock.advance(1)
    Audit(engine).remove_before(clock())
    found = erasing.erase(ISSUER, "alice", ALICE)
    assert found["conversations"] == 1
    left = about("alice", content(engine))
    assert {row.split()[0] for row in left} == {"charges"}  # of limits, which are removed after a day


def test_no_file_of_the_store_has_what_was_erased(engine, talk, erasing):
    """Neither free pages nor SQLite's log."""
    if (file := file_of(engine)) is None:
        return  # PostgreSQL removes what is outdated when it vacuums
    for _ in range(4):
        talk("alice")
    erasing.erase(ISSUER, "alice", ALICE)
    for path in Path(str(file)).parent.glob(f"{Path(str(file)).name}*"):
        content = path.read_bytes()
        assert not [word for word in (b"alice", ALICE.encode()) if word in content], path


def test_erasure_is_recorded_and_all_events_of_the_person_have_one_pseudonym(engine, talk, erasing):
    talk("alice")
    before = list(Audit(engine).events(Filters()))
    found = erasing.erase(ISSUER, "alice", ALICE)

    *kept, erased = Audit(engine).events(Filters())
    assert PSEUDONYM.fullmatch(erased.subject)
    assert {event.subject for event in kept} == {erased.subject}
    assert [(event.kind, event.at, event.seconds, event.lease_id) for event in kept] == [
        (event.kind, event.at, event.seconds, event.lease_id) for event in before
    ]
    assert (erased.kind, erased.issuer, json.loads(erased.details)) == ("erased", ISSUER, found)
    assert found == {
        "conversations": 1,
        "days of spending": 1,
        "events": 4,
        "reports of usage": 1,
        "counts of refusals": 1,
        "accounts": 0,
    }


def test_erasing_in_batches_replaces_every_event(engine, clock, talk):
    talk("alice")
    Erasing(engine, clock, batch=1).erase(ISSUER, "alice", ALICE)

    assert about("alice", content(engine)) == []


def test_erasing_again_finds_nothing_and_records_nothing(engine, talk, erasing):
    talk("alice")
    erasing.erase(ISSUER, "alice", ALICE)
    rows = content(engine)

    assert not any(erasing.erase(ISSUER, "alice", ALICE).values())
    assert content(engine) == rows


def test_conversation_of_an_erased_person_cannot_be_continued(talk, erasing, ledger, admission):
    lease = talk("alice").lease
    erasing.erase(ISSUER, "alice", ALICE)

    with pytest.raises(LeaseOver):
        ledger.admit(admission("alice", lease=lease))


@pytest.mark.parametrize("before", [True, False])
def test_report_by_the_lease_of_an_erased_person_brings_no_name_back(engine, clock, talk, erasing, before):
    asked = talk("alice", reported=before)
    clock.advance(120)
    erasing.erase(ISSUER, "alice", ALICE)
    Usage(engine, clock).report(asked.lease, "models/m", {"seconds": 9})

    assert about("alice", content(engine)) == []
    assert Usage(engine, clock).reported_today() == {"default": 9}


@pytest.mark.parametrize("running", [{"minted": False}, {"returned": False}], ids=["mint", "tool"])
def test_person_is_not_erased_while_the_end_of_something_would_be_recorded(engine, clock, talk, erasing, running):
    """It would be recorded under their name. When it can no longer be, it stops nothing."""
    talk("alice", **running)
    before = content(engine)

    with pytest.raises(TemporarilyUnavailable) as refused:
        erasing.erase(ISSUER, "alice", ALICE)

    assert "try again" in refused.value.cause
    assert content(engine) == before
    clock.advance(120)
    erasing.erase(ISSUER, "alice", ALICE)
    assert about("alice", content(engine)) == []


def test_dry_run_counts_and_changes_nothing(engine, talk, erasing):
    talk("alice")
    before = content(engine)
    counts = erasing.erase(ISSUER, "alice", ALICE, dry_run=True)

    assert content(engine) == before
    assert erasing.erase(ISSUER, "alice", ALICE) == counts


def test_namesake_at_another_issuer_is_somebody_else(engine, clock, talk, erasing):
    talk("alice")
    accounts, logins = Accounts(engine), Logins(engine, clock)
    account = Account("alice", "a hash")
    accounts.add(account)
    logins.begin(account, "a cookie")
    assert erasing.issuers_of("alice") == [ISSUER, ACCOUNT_ISSUER]

    erasing.erase(ISSUER, "alice", ALICE)
    assert accounts.names() == ["alice"]

    assert erasing.erase(ACCOUNT_ISSUER, "alice", key("subject", ACCOUNT_ISSUER, "alice"))["accounts"] == 1
    assert about("alice", content(engine)) == []
    assert logins.refresh("a cookie", "the next") is None


def change(engine, **values):
    """Change an event as whoever has the database could."""
    with engine.begin() as connection:
        return connection.execute(update(events).values(**values)).rowcount


@pytest.fixture(name="event")
def _event(engine):
    """Add a call of a tool to the audit."""
    about = {"kind": "called", "lease_id": "l", "request_id": "r", "principal_kind": "user", "issuer": ISSUER}
    told = {"subject": "alice", "address": "a", "profile": "p", "fingerprint": "f", "details": "d"}
    with engine.begin() as connection:
        connection.execute(insert(events).values(at=1, **about, **told))


@pytest.mark.usefixtures("event")
def test_only_a_person_can_be_replaced_and_only_once(engine):
    gone = {"subject": ERASED, "address": "erased", "details": None}
    other = {column.name: column for column in events.c if column.name not in {"subject", "address", "details"}}
    refused = [
        *(
            gone | {"subject": form}
            for form in (None, "mallory", ERASED[:-1], f"{ERASED}0", ERASED.upper(), f"x{ERASED}")
        ),
        *(gone | {"subject": f"{ERASED[:-1]}{form}"} for form in ("g", "\n", "")),
        *({"subject": ERASED, "address": address, "details": None} for address in ("192.0.2.1", "", None)),
        *({"subject": ERASED, "address": "erased", "details": details} for details in ("d", "other")),
        {"address": "erased", "details": None},
        {"details": None},
        *(gone | {name: 7 if column.type.python_type is int else "7"} for name, column in other.items()),
    ]
    for values in refused:
        with pytest.raises(SQLAlchemyError, match="appended, never changed"):
            change(engine, **values)
    assert change(engine, **gone, fingerprint=None) == 1
    with pytest.raises(SQLAlchemyError, match="appended, never changed"):
        change(engine, **gone | {"subject": f"{ERASED[:-1]}0"})


def test_fingerprint_of_a_token_stays(engine, talk):
    talk("alice")
    with pytest.raises(SQLAlchemyError, match="appended, never changed"):
        change(engine, subject=ERASED, address="erased", details=None, fingerprint=None)


@pytest.mark.usefixtures("event")
def test_kinds_of_a_later_release_are_listed_as_they_are(engine):
    with engine.begin() as connection:
        row = connection.execute(select(events)).one()._asdict() | {"id": 2, "kind": "from-later"}
        connection.execute(insert(events).values(row))

    assert [event.kind for event in Audit(engine).events(Filters())] == ["called", "from-later"]

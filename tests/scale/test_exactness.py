"""Limits and budgets are exact with several workers, and with several machines."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from contextlib import ExitStack

import pytest

from scale import clients, nginx
from scale.shops import shop
from service import site

LIMIT = 50  # a day, of the profile “counted”
A_SECOND = 7  # of the profile “quick”
OWN, SHARED = 4000, 17_001  # seconds of a day: of each person, and of all with such a profile

CONFIGURATION = shop(
    limits=f'budget = {{ user = "{OWN}s/day" }}',
    counted=f'token_lifetime = "30s"\nconnect_within = "30s"\nlimits = ["{LIMIT}/day"]',
    quick=f'token_lifetime = "30s"\nconnect_within = "30s"\nlimits = ["{A_SECOND}/second"]',
    long=f'token_lifetime = "30m"\nbudget = "{SHARED}s/day"',
    unsure=f'token_lifetime = "30m"\nbudget = "{SHARED}s/day"',
    renewed="",
)


@pytest.fixture(name="shape", scope="module", params=["sqlite", "postgresql"])
def _shape(request, start_fleet, new_folder):
    """The two shapes that are run for real: where clients go, and what is behind it.

    SQLite under one instance of four workers, and PostgreSQL under two of two behind nginx.
    """
    if request.param == "sqlite":
        fleet = start_fleet(CONFIGURATION, workers=4)
        yield fleet.first.url, fleet
        return
    database_url = request.getfixturevalue("new_database")()
    fleet = start_fleet(CONFIGURATION, database_url=database_url, instances=2)
    with ExitStack() as proxy:
        urls = [instance.url for instance in fleet.instances]
        door, *_ = proxy.enter_context(nginx.in_front_of(new_folder(), urls))
        yield door.url, fleet


def _asked(subjects, profile, each=1):
    return [
        (subject, clients.post(site.signed(subject), {"profile": profile})) for subject in subjects
    ] * each


def _histories(fleet, subjects):
    """How often each sequence of events happened to a reservation of *subjects* (SQL's like)."""
    kinds = defaultdict(list)
    query = "select reservation_id, kind from events where subject like :subjects order by id"
    for reservation, kind in fleet.rows(query, subjects=subjects):
        kinds[reservation].append(kind)
    return Counter(map(tuple, kinds.values()))


def _but_none(counts):
    return {history: count for history, count in counts.items() if count}


def test_four_thousand_requests(shape, google):
    """Of 4,000 from 64 clients, twenty subjects with a limit of 50 each get exactly 1,000."""
    url, fleet = shape
    subjects = [f"crowd-{number}" for number in range(20)]

    replies = clients.ask_all(url, _asked(subjects, "counted", 200))

    statuses = Counter(reply.status for reply in replies)
    late = statuses.pop(504, 0)  # on a machine that is short of breath a mint may take too long
    assert statuses == {200: 1000, 429: 3000 - late}
    granted = [reply for reply in replies if reply.status == 200]
    assert Counter(reply.by for reply in granted) == dict.fromkeys(subjects, LIMIT)
    assert {reply.json["token"] for reply in granted} <= set(google.minted)
    assert 1000 <= len(google.minted) <= 1000 + late
    assert _histories(fleet, "crowd-%") == _but_none(
        {("reserved", "granted"): 1000, ("reserved", "refunded"): late}
    )


def test_every_second_mint_fails(shape, google):
    """A failed mint gives its place back: who tries to the end has exactly the limit."""
    url, fleet = shape
    google.fail_every = 2
    subjects = ["unlucky-0", "unlucky-1"]
    received, failed = Counter(), 0
    for _ in range(30):
        hungry = [subject for subject in subjects if received[subject] < LIMIT]
        replies = clients.ask_all(url, _asked(hungry, "counted", 40))
        assert {reply.status for reply in replies} <= {200, 429, 502}
        received.update(reply.by for reply in replies if reply.status == 200)
        failed += sum(reply.status == 502 for reply in replies)
        if not hungry:
            break

    assert received == dict.fromkeys(subjects, LIMIT)
    after = clients.ask_all(url, _asked(subjects, "counted"))
    assert {reply.status for reply in after} == {429}
    assert len(google.minted) == 2 * LIMIT
    assert failed >= 2 * LIMIT - 1
    assert _histories(fleet, "unlucky-%") == {
        ("reserved", "granted"): 2 * LIMIT,
        ("reserved", "refunded"): failed,
    }


def test_windows_of_every_position(shape, google):
    """Over twenty edges no second, wherever it begins, holds more than seven grants."""
    url, fleet = shape
    subjects = [f"eager-{number}" for number in range(5)]
    wanted = 5 * A_SECOND  # for each of five: so many pass at least four edges
    granted = Counter()
    everybody = itertools.cycle(_asked(subjects, "quick"))
    for _ in range(100):
        replies = clients.ask_all(url, itertools.islice(everybody, 200), clients=20)
        assert {reply.status for reply in replies} <= {200, 429}
        assert {r.headers["retry-after"] for r in replies if r.status == 429} <= {"1"}
        granted.update(reply.by for reply in replies if reply.status == 200)
        if all(granted[subject] >= wanted for subject in subjects):
            break

    touching = 0
    for subject in subjects:
        rows = fleet.rows(
            "select at from events where kind = 'reserved' and subject = :subject order by at",
            subject=subject,
        )
        at = [row.at for row in rows]
        assert len(at) >= wanted
        # Of any eight in a row the last is a second after the first.
        spans = [last - first for first, last in zip(at, at[A_SECOND:], strict=False)]
        assert min(spans) >= 1_000_000
        touching += sum(span < 1_200_000 for span in spans)
    assert touching > 0, "the limit was never reached, so this has shown nothing"
    assert len(google.minted) == granted.total()


@pytest.mark.parametrize(("profile", "fail_every"), [("long", 0), ("unsure", 3)])
def test_budgets(shape, google, profile, fail_every):
    """Everybody's own and the shared one are spent and never passed; both records agree."""
    url, fleet = shape
    google.fail_every = fail_every
    subjects = [f"{profile}-{number}" for number in range(6)]
    before = fleet.one("select coalesce(sum(seconds), 0) from spending")

    for _ in range(2):  # where mints fail, once may not be enough to spend it all
        replies = clients.ask_all(url, _asked(subjects, profile, 12))
        assert {reply.status for reply in replies} <= {200, 429, 502}

    charged = Counter()
    query = "select subject, kind, seconds from events where subject like :subjects"
    for row in fleet.rows(query, subjects=f"{profile}-%"):
        charged[row.subject] += {"reserved": row.seconds, "refunded": -row.seconds}.get(row.kind, 0)
    spent = fleet.one("select sum(seconds) from spending") - before
    assert max(charged.values()) <= OWN
    assert spent == 2 * charged.total()  # once as their own, once as the shared
    shared = fleet.one(
        "select sum(case kind when 'reserved' then seconds when 'refunded' then -seconds end)"
        " from events where profile = :profile",
        profile=profile,
    )
    assert shared <= SHARED
    # And it was spent: what is left is less than anybody may begin with.
    assert SHARED - shared < 30 or all(OWN - mine < 30 for mine in charged.values())


def test_a_hundred_renewals(shape):
    """Within a token's life they charge no second twice: what is paid for is one stretch."""
    url, fleet = shape
    subjects = [f"caller-{number}" for number in range(5)]
    begun = {r.by: r.json["lease"] for r in clients.ask_all(url, _asked(subjects, "renewed"))}
    before = fleet.one("select sum(seconds) from spending")

    renewals = [
        (who, clients.post(site.signed(who), {"lease": lease, "resumption_handle": "handle"}))
        for who, lease in begun.items()
    ]
    replies = clients.ask_all(url, renewals * 20, clients=20)

    assert {reply.status for reply in replies} == {200}
    grown = 0
    for subject in subjects:
        ((first, last, seconds),) = fleet.rows(
            "select min(at), max(expires_at), sum(case kind when 'reserved' then seconds end)"
            " from events where subject = :subject",
            subject=subject,
        )
        # From the first token's beginning to the last one's end; a token ends on a whole second.
        assert 0 <= seconds * 1_000_000 - (last - first) < 2_000_000
        grown += seconds - 300
    assert fleet.one("select sum(seconds) from spending") - before == grown

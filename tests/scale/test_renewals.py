"""Going on with a conversation over HTTP: who may, how often, and what an operator stops."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from scale import clients
from scale.shops import shop
from service import site

CONFIGURATION = shop(
    limits="concurrent = { user = 2, guest = 1000 }",
    default="",
    scarce='limits = ["2/hour"]',
    own='limits = ["100000/hour"]',
)


@pytest.fixture(name="fleet", scope="module")
def _fleet(start_fleet):
    return start_fleet(CONFIGURATION)


@pytest.fixture(name="ask")
def _ask(fleet):
    """POST /token as *subject* (None: a guest); the answer."""

    def ask(subject="ada", **body):
        bearer = None if subject is None else site.signed(subject)
        return fleet.first.post("/token", body or None, bearer=bearer)

    return ask


@pytest.fixture(name="tokensvc")
def _tokensvc(fleet):
    """Runs a verb of the command line beside the service; what it prints."""

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "tokensvc", *words],
            env=fleet.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout

    return run


def _begun(ask, subject, **body):
    answer = ask(subject, **body)
    assert answer.status == 200
    return answer.json["lease"]


def test_another_persons_credential(ask):
    """It goes on with nobody else's conversation, nor does none, nor a guest's with a person's."""
    lease = _begun(ask, "owner")
    refused = ask("thief", lease=lease)
    assert (refused.status, refused.code) == (403, "lease-refused")
    refused = ask(None, lease=lease)
    assert (refused.status, refused.code) == (401, "authentication-required")
    guests = _begun(ask, None)
    refused = ask("thief", lease=guests)
    assert (refused.status, refused.code) == (403, "lease-refused")
    assert ask("owner", lease=lease).status == ask(None, lease=guests).status == 200


def test_an_expired_credential(fleet, ask):
    """A person goes on with a credential of now."""
    lease = _begun(ask, "late")
    now = int(time.time())
    expired = site.signed("late", iat=now - 4000, exp=now - 3000)
    refused = fleet.first.post("/token", {"lease": lease}, bearer=expired)
    assert (refused.status, refused.code) == (401, "invalid-token")
    assert 'error_description="expired"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    "body",
    [
        {"profile": "own"},
        {"options": {"voice": "Puck"}},
        {"options": {}},
        {"profile": "default", "resumption_handle": "handle"},
    ],
)
def test_a_lease_and_something_else(ask, google, body):
    """What was chosen stays chosen: a lease goes with neither a profile nor options."""
    lease = _begun(ask, None)
    google.received.clear()
    refused = ask(None, lease=lease, **body)
    assert (refused.status, refused.code) == (400, "invalid-request")
    assert google.received == []


def test_a_handle_without_a_lease(ask, google):
    """Nobody's context is gone on with by the handle alone."""
    refused = ask("ada", resumption_handle="handle")
    assert (refused.status, refused.code) == (400, "invalid-request")
    assert google.received == []


def test_a_renewal_without_a_handle(ask):
    """It is a new start, and is counted as one; with its handle it goes on past the limit."""
    lease = _begun(ask, "again", profile="scarce")
    assert ask("again", lease=lease).status == 200
    refused = ask("again", lease=lease)
    assert (refused.status, refused.code) == (429, "rate-limited")
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    renewed = ask("again", lease=lease, resumption_handle="handle")
    assert renewed.status == 200
    assert renewed.json["setup"]["sessionResumption"] == {"handle": "handle"}


def test_the_twenty_first_renewal_in_a_minute(fleet, ask):
    """It is refused, until the first of them is a minute old; another's are not."""
    lease, others = _begun(ask, "eager"), _begun(ask, "calm")
    renewal = clients.post(site.signed("eager"), {"lease": lease, "resumption_handle": "handle"})
    replies = clients.ask_all(fleet.first.url, [("eager", renewal)] * 25, clients=8)

    assert sorted(reply.status for reply in replies) == [200] * 20 + [429] * 5
    for refused in replies:
        if refused.status == 429:
            assert refused.json["code"] == "rate-limited"
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert refused.headers["ratelimit-policy"] == '"renewal-60";q=20;w=60'
    assert ask("calm", lease=others, resumption_handle="handle").status == 200


@pytest.mark.parametrize(
    ("what", "who"),
    [
        (("all",), "ada"),
        (("guests",), None),
        (("subject", "blocked-one"), "blocked-one"),
        (("subject", "another", "--issuer", "https://shop.test/"), "another"),
        (("profile", "own"), "whoever"),
    ],
)
def test_a_block(fleet, google, tokensvc, what, who):
    """From the next request on it is in force in every worker, for starts and renewals."""
    bearer = None if who is None else site.signed(who)
    start = {"profile": "own"} if what[0] == "profile" else {}
    begun = fleet.first.post("/token", start, bearer=bearer)
    assert begun.status == 200
    renewal = {"lease": begun.json["lease"], "resumption_handle": "handle"}

    tokensvc("block", *what)
    try:
        google.received.clear()
        for _ in fleet.each_worker():
            for asked in (start, renewal):
                refused = fleet.first.post("/token", asked, bearer=bearer)
                assert (refused.status, refused.code) == (403, "blocked")
        assert google.received == []
        for _ in fleet.each_worker():
            ready = fleet.first.get("/readyz")
            assert ready.json == {"status": "ok", "everybody_blocked": what == ("all",)}
        if what != ("all",):
            assert fleet.first.post("/token", bearer=site.signed(f"beside {what}")).status == 200
    finally:
        tokensvc("unblock", *what)
    for _ in fleet.each_worker():
        assert fleet.first.post("/token", renewal, bearer=bearer).status == 200
    assert fleet.first.get("/readyz").json == {"status": "ok", "everybody_blocked": False}


def test_a_blocked_lease(fleet, ask, tokensvc):
    """This conversation goes on no more; the person may begin another."""
    lease = _begun(ask, "talkative")
    query = "select distinct lease_id from events where subject = 'talkative'"
    tokensvc("block", "lease", fleet.one(query), "--for", "2h")

    refused = ask("talkative", lease=lease, resumption_handle="handle")
    assert (refused.status, refused.code) == (403, "blocked")
    assert 7100 < int(refused.headers["retry-after"]) <= 7200
    assert ask("talkative").status == 200


def test_places(fleet, ask):
    """Two at once; an ended conversation frees its place at once, and goes on no more."""
    first, second = _begun(ask, "placed"), _begun(ask, "placed")
    refused = ask("placed")
    assert (refused.status, refused.code) == (429, "too-many-at-once")
    assert 290 < int(refused.headers["retry-after"]) <= 300
    assert ask("placed", lease=first, resumption_handle="handle").status == 200

    assert fleet.first.post("/lease/end", {"lease": second}).status == 204
    assert fleet.first.post("/lease/end", {"lease": second}).status == 204
    over = ask("placed", lease=second, resumption_handle="handle")
    assert (over.status, over.code) == (403, "lease-over")
    assert ask("placed").status == 200
    assert ask("placed").status == 429


def test_places_that_many_want(fleet):
    """Of thirty at once two get one, in whichever worker they ask."""
    request = clients.post(site.signed("crowded"))
    replies = clients.ask_all(fleet.first.url, [("crowded", request)] * 30, clients=30)
    assert sorted(reply.status for reply in replies) == [200] * 2 + [429] * 28

"""Renewing a conversation over HTTP: who may, how often, and how an operator stops it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from system import clients, site
from system.configurations import configuration

CONFIGURATION = configuration(
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
    """Return a function that sends POST /token as *subject*, or as a guest if that is None."""

    def ask(subject="ada", **body):
        bearer = None if subject is None else site.signed(subject)
        return fleet.first.post("/token", body or None, bearer=bearer)

    return ask


@pytest.fixture(name="tokensvc")
def _tokensvc(fleet):
    """Return a function that runs `tokensvc` beside the service and returns its output."""

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


def _start(ask, subject, **body):
    answer = ask(subject, **body)
    assert answer.status == 200
    return answer.json["lease"]


def test_lease_is_refused_without_the_credential_it_was_issued_for(ask):
    lease = _start(ask, "owner")
    refused = ask("thief", lease=lease)
    assert (refused.status, refused.code) == (403, "lease-refused")
    refused = ask(None, lease=lease)
    assert (refused.status, refused.code) == (401, "authentication-required")
    guests = _start(ask, None)
    refused = ask("thief", lease=guests)
    assert (refused.status, refused.code) == (403, "lease-refused")
    assert ask("owner", lease=lease).status == ask(None, lease=guests).status == 200


def test_renewal_with_an_expired_credential_is_refused(fleet, ask):
    lease = _start(ask, "late")
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
def test_lease_with_a_profile_or_options_is_refused(ask, fresh_google, body):
    """The choice made at the start cannot be changed."""
    lease = _start(ask, None)
    before = len(fresh_google.received)
    refused = ask(None, lease=lease, **body)
    assert (refused.status, refused.code) == (400, "invalid-request")
    assert len(fresh_google.received) == before


def test_handle_without_a_lease_is_refused(ask, fresh_google):
    refused = ask("ada", resumption_handle="handle")
    assert (refused.status, refused.code) == (400, "invalid-request")
    assert fresh_google.received == []


@pytest.mark.parametrize("body", [{}, {"resumption_handle": "handle"}, {"rebuild": "true"}, {"rebuild": None}])
def test_rebuild_is_true_or_false_and_needs_a_lease_alone(ask, fresh_google, body):
    lease = {"lease": _start(ask, None)} if body else {}
    before = len(fresh_google.received)
    refused = ask(None, **({"rebuild": True} | lease | body))
    assert (refused.status, refused.code) == (400, "invalid-request")
    assert "rebuild" in refused.json["detail"]
    assert len(fresh_google.received) == before


def test_renewal_to_rebuild_is_a_fresh_start_with_its_lease(ask):
    answer = ask(None, lease=_start(ask, None), rebuild=True)
    assert answer.status == 200
    assert answer.json["features"]["rebuild"] == "content"
    assert "sessionResumption" not in answer.json["setup"]


def test_renewal_without_a_handle_counts_as_a_start(ask):
    """With its handle, a renewal succeeds even over the limit."""
    lease = _start(ask, "again", profile="scarce")
    assert ask("again", lease=lease).status == 200
    refused = ask("again", lease=lease)
    assert (refused.status, refused.code) == (429, "rate-limited")
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    renewed = ask("again", lease=lease, resumption_handle="handle")
    assert renewed.status == 200
    assert renewed.json["setup"]["sessionResumption"] == {"handle": "handle"}


def test_twenty_first_renewal_of_a_lease_in_a_minute_is_refused(fleet, ask):
    """The renewals of another lease are not affected."""
    lease, others = _start(ask, "eager"), _start(ask, "calm")
    renewal = clients.post(site.signed("eager"), {"lease": lease, "resumption_handle": "handle"})
    replies = clients.send_all(fleet.first.url, [("eager", renewal)] * 25, clients=8)

    assert sorted(reply.status for reply in replies) == [200] * 20 + [429] * 5
    for refused in replies:
        if refused.status == 429:
            assert refused.json["code"] == "rate-limited"
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert refused.headers["ratelimit-policy"] == '"renewal-60";q=20;w=60'
    assert ask("calm", lease=others, resumption_handle="handle").status == 200


@pytest.mark.parametrize(
    ("target", "subject"),
    [
        (("all",), "ada"),
        (("guests",), None),
        (("subject", "blocked-one"), "blocked-one"),
        (("subject", "another", "--issuer", "https://shop.test/"), "another"),
        (("profile", "own"), "whoever"),
    ],
)
def test_block_stops_starts_and_renewals_in_every_worker_at_once(fleet, fresh_google, tokensvc, target, subject):
    bearer = None if subject is None else site.signed(subject)
    start = {"profile": "own"} if target[0] == "profile" else {}
    granted = fleet.first.post("/token", start, bearer=bearer)
    assert granted.status == 200
    renewal = {"lease": granted.json["lease"], "resumption_handle": "handle"}

    tokensvc("block", *target)
    try:
        fresh_google.received.clear()
        for _ in fleet.each_worker():
            for body in (start, renewal):
                refused = fleet.first.post("/token", body, bearer=bearer)
                assert (refused.status, refused.code) == (403, "blocked")
        assert fresh_google.received == []
        for _ in fleet.each_worker():
            fleet.first.await_ready(200, everybody_blocked=target == ("all",))
        if target != ("all",):
            assert fleet.first.post("/token", bearer=site.signed(f"not {target}")).status == 200
    finally:
        tokensvc("unblock", *target)
    for _ in fleet.each_worker():
        assert fleet.first.post("/token", renewal, bearer=bearer).status == 200
    fleet.first.await_ready(200, everybody_blocked=False)


def test_removed_api_key_is_refused_at_once_by_every_worker(fleet, tokensvc):
    key = tokensvc("keys", "create", "backend").strip()
    for _ in fleet.each_worker():
        assert fleet.first.get("/profiles", bearer=key).status == 200
    tokensvc("keys", "remove", "backend")
    for _ in fleet.each_worker():
        for method, path in (("GET", "/profiles"), ("POST", "/token")):
            refused = fleet.first.request(method, path, bearer=key)
            assert (refused.status, refused.code) == (401, "invalid-token")


def test_blocked_lease_ends_the_conversation_but_not_the_persons_access(fleet, ask, tokensvc):
    lease = _start(ask, "talkative")
    query = "select distinct lease_id from events where subject = 'talkative'"
    tokensvc("block", "lease", fleet.one(query), "--for", "2h")

    refused = ask("talkative", lease=lease, resumption_handle="handle")
    assert (refused.status, refused.code) == (403, "blocked")
    assert 7100 < int(refused.headers["retry-after"]) <= 7200
    assert ask("talkative").status == 200


def test_ended_conversation_frees_its_place_and_cannot_be_renewed(fleet, ask):
    first, second = _start(ask, "placed"), _start(ask, "placed")
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


def test_thirty_concurrent_starts_get_exactly_two_places(fleet):
    request = clients.post(site.signed("crowded"))
    replies = clients.send_all(fleet.first.url, [("crowded", request)] * 30, clients=30)
    assert sorted(reply.status for reply in replies) == [200] * 2 + [429] * 28

"""Every fault of the upstream gets a documented answer in time, and a refund."""

from __future__ import annotations

import pytest

from system.faults import FAULTS, NOISE, SLOW, TOKEN
from system.launching import rows

DEADLINE = 5.0  # seconds that a mint may take
SLACK = 1.5  # seconds for everything else on a busy machine

BAD_ANSWER = (502, "upstream-bad-response")
UNREACHABLE = (502, "upstream-unavailable")
TIMEOUT = (504, "upstream-timeout")
REFUSED_KEY = (503, "issuer-misconfigured")
NO_MONEY = (503, "quota-exhausted")
THROTTLED = (503, "upstream-throttled")
REJECTED = (500, "profile-rejected")

EXPECTED = dict.fromkeys(FAULTS, BAD_ANSWER) | {
    **dict.fromkeys(["400", "404", "no-error-object"], REJECTED),
    **dict.fromkeys(["400-key", "400-place", "401", "403"], REFUSED_KEY),
    **dict.fromkeys(["402", "429-empty"], NO_MONEY),
    **dict.fromkeys(
        ["429", "429-absurd", "429-date", "429-past", "429-later", "429-negative", "429-silent"], THROTTLED
    ),
    **dict.fromkeys(["500", "503", "no-object"], UNREACHABLE),
    **dict.fromkeys(["reset", "ssh", "hangs-up", "bad-status"], UNREACHABLE),
    **dict.fromkeys(["many-headers", "long-header"], UNREACHABLE),
    **dict.fromkeys([*SLOW, "continues"], TIMEOUT),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_answered_with_its_code_in_time_and_refunded(shop, faulted, fault):
    answer, seconds = faulted[fault]
    assert (answer.status, answer.code) == EXPECTED[fault]
    assert seconds < DEADLINE + SLACK
    if EXPECTED[fault] == TIMEOUT:
        assert seconds > DEADLINE / 2  # the service did wait
    assert NOISE.encode() not in answer.body
    assert TOKEN.encode() not in answer.body
    events = rows(shop, "select kind, code from events where request_id = ? order by id", f"fault-{fault}")
    assert events == [("reserved", None), ("refunded", answer.code)]
    charged = rows(
        shop,
        "select count(*) from charges join events using (reservation_id) where request_id = ?",
        f"fault-{fault}",
    )
    assert charged == [(0,)]


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        ("429", 7),
        ("429-silent", 5),
        ("429-date", 11),
        ("429-past", 5),
        ("429-later", 600),
        ("429-negative", 5),
        ("429-absurd", 5),
    ],
)
def test_valid_retry_after_is_passed_on_and_any_other_becomes_5_seconds(faulted, fault, seconds):
    answer, _ = faulted[fault]
    assert answer.headers["retry-after"] == str(seconds)
    assert answer.json["retryable"]


@pytest.mark.usefixtures("faulted")
def test_redirect_is_not_followed(google):
    assert [received for received in google.received if received.model == "fault-307"]
    assert google.trap.connections == []


def test_service_still_mints_after_every_fault(shop, faulted):
    assert len(faulted) == len(FAULTS)
    assert shop.post("/token").status == 200
    assert shop.get("/livez").status == 200


@pytest.mark.parametrize("status", [400, 401, 403])
def test_next_key_is_tried_when_one_is_refused(shop, google, canaries, status):
    google.refused_keys = {canaries["first key"]: status}
    if status == 400:
        google.refusal_reason = "API_KEY_INVALID"
    try:
        before = len(google.received)
        answer = shop.post("/token")
    finally:
        google.refused_keys, google.refusal_reason = {}, ""
    assert answer.status == 200
    keys = [received.headers["x-goog-api-key"] for received in google.received[before:]]
    assert keys == [canaries["first key"], canaries["second key"]]
    bodies = [received.body for received in google.received[before:]]
    assert bodies[0] == bodies[1]


def test_refusal_of_every_key_is_reported_as_a_misconfiguration(shop, google, canaries):
    google.refused_keys = {canaries["first key"]: 403, canaries["second key"]: 401}
    try:
        answer = shop.post("/token")
    finally:
        google.refused_keys = {}
    assert (answer.status, answer.code) == REFUSED_KEY
    assert not answer.json["retryable"]
    assert shop.post("/token").status == 200


@pytest.mark.parametrize("status", [429, 500, 503])
def test_only_one_key_is_tried_when_the_upstream_fails(shop, google, canaries, status):
    """Trying all keys would multiply the load on an upstream in trouble."""
    google.refused_keys = {canaries["first key"]: status}
    try:
        before = len(google.received)
        assert shop.post("/token").status in {502, 503}
    finally:
        google.refused_keys = {}
    assert len(google.received) == before + 1

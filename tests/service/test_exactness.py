"""The limit is exact whatever happens at the same time, and so is the record."""

from __future__ import annotations

from collections import Counter

import pytest

from service import site
from service.configurations import LIMIT
from service.crowd import all_at_once, token_request
from service.launching import histories, rows


@pytest.fixture(autouse=True)
def _nothing_minted_yet(counting_google):
    counting_google.minted.clear()
    counting_google.received.clear()


def _subjects(prefix: str) -> list[str]:
    return [f"{prefix}-{number}" for number in range(10)]


def _asked(subjects: list[str], each: int) -> list[tuple[str, bytes]]:
    return [(subject, token_request(site.signed(subject))) for subject in subjects] * each


def test_a_thousand_requests_in_flight(counting, counting_google):
    """Of 1,000 at once, ten subjects with a limit of 50 each get exactly 500, all recorded."""
    subjects = _subjects("crowd")
    counting_google.gate.clear()  # nobody is answered before everybody has asked
    answers = all_at_once(counting.url, _asked(subjects, 100), when_sent=counting_google.gate.set)

    assert Counter(answer.status for answer in answers) == {200: 500, 429: 500}
    granted = [answer for answer in answers if answer.status == 200]
    assert Counter(answer.by for answer in granted) == dict.fromkeys(subjects, LIMIT)
    assert {answer.json["token"] for answer in granted} == set(counting_google.minted)
    assert len(counting_google.minted) == len(counting_google.received) == 500
    # Each grant has its two events, and a refusal has none.
    assert histories(counting, "crowd-%") == {("reserved", "granted"): 500}
    recorded = rows(
        counting,
        "select fingerprint from events where kind = 'granted' and subject like 'crowd-%'",
    )
    assert {fingerprint for (fingerprint,) in recorded} == counting_google.fingerprints
    by_subject = rows(
        counting,
        "select subject, count(*) from events where subject like 'crowd-%' group by subject",
    )
    assert dict(by_subject) == dict.fromkeys(subjects, 2 * LIMIT)


def test_every_second_mint_fails(counting, counting_google):
    """A failed mint gives its place back: retried to the end, everybody has exactly the limit."""
    subjects = _subjects("unlucky")
    granted: Counter[str] = Counter()
    failed = 0
    counting_google.fail_every = 2
    try:
        each = 60  # more than the limit, and then again as long as somebody has less
        while hungry := [subject for subject in subjects if granted[subject] < LIMIT]:
            answers = all_at_once(counting.url, _asked(hungry, each))
            assert {answer.status for answer in answers} <= {200, 429, 502}
            granted.update(answer.by for answer in answers if answer.status == 200)
            failed += sum(answer.status == 502 for answer in answers)
            assert max(granted.values()) <= LIMIT
            each = 10
    finally:
        counting_google.fail_every = 0

    after = all_at_once(counting.url, _asked(subjects, 1))
    assert {answer.status for answer in after} == {429}
    assert granted == dict.fromkeys(subjects, LIMIT)
    assert len(counting_google.minted) == 500
    assert failed > 100
    assert histories(counting, "unlucky-%") == {
        ("reserved", "granted"): 500,
        ("reserved", "refunded"): failed,
    }


def test_when_there_is_more(counting):
    """A refusal says when there is more, within the limit's own window."""
    refused = counting.post("/token", bearer=site.signed("crowd-0"))
    assert (refused.status, refused.code) == (429, "rate-limited")
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400


def test_two_names_that_nearly_agree(counting):
    """Who has used up a limit has used up nobody else's, however alike the names are."""
    for subject in ("crowd-0 ", "Crowd-0", "crowd-0\u200b", '["crowd-0"]', "crowd-00"):
        assert counting.post("/token", bearer=site.signed(subject)).status == 200

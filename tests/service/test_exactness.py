"""Limits and the audit are exact under concurrent requests."""

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


def _requests(subjects: list[str], each: int) -> list[tuple[str, bytes]]:
    return [(subject, token_request(site.signed(subject))) for subject in subjects] * each


def test_thousand_concurrent_requests_get_exactly_the_limit_and_all_are_recorded(
    counting, counting_google
):
    """Ten subjects with a limit of 50 each get exactly 500 tokens."""
    subjects = _subjects("crowd")
    counting_google.gate.clear()  # nothing is answered before everything is sent
    answers = all_at_once(
        counting.url, _requests(subjects, 100), when_sent=counting_google.gate.set
    )

    assert Counter(answer.status for answer in answers) == {200: 500, 429: 500}
    granted = [answer for answer in answers if answer.status == 200]
    assert Counter(answer.sender for answer in granted) == dict.fromkeys(subjects, LIMIT)
    assert {answer.json["token"] for answer in granted} == set(counting_google.minted)
    assert len(counting_google.minted) == len(counting_google.received) == 500
    # A grant has two events, a refusal none.
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


def test_failed_mint_does_not_count_against_the_limit(counting, counting_google):
    """After enough retries, each subject has exactly its limit."""
    subjects = _subjects("unlucky")
    granted: Counter[str] = Counter()
    failed = 0
    counting_google.fail_every = 2
    try:
        each = 60  # more than the limit; then fewer, while a subject has less than its limit
        while hungry := [subject for subject in subjects if granted[subject] < LIMIT]:
            answers = all_at_once(counting.url, _requests(hungry, each))
            assert {answer.status for answer in answers} <= {200, 429, 502}
            granted.update(answer.sender for answer in answers if answer.status == 200)
            failed += sum(answer.status == 502 for answer in answers)
            assert max(granted.values()) <= LIMIT
            each = 10
    finally:
        counting_google.fail_every = 0

    after = all_at_once(counting.url, _requests(subjects, 1))
    assert {answer.status for answer in after} == {429}
    assert granted == dict.fromkeys(subjects, LIMIT)
    assert len(counting_google.minted) == 500
    assert failed > 100
    assert histories(counting, "unlucky-%") == {
        ("reserved", "granted"): 500,
        ("reserved", "refunded"): failed,
    }


def test_refusal_by_a_daily_limit_says_to_retry_within_a_day(counting):
    refused = counting.post("/token", bearer=site.signed("crowd-0"))
    assert (refused.status, refused.code) == (429, "rate-limited")
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400


def test_similar_subjects_have_separate_limits(counting):
    for subject in ("crowd-0 ", "Crowd-0", "crowd-0\u200b", '["crowd-0"]', "crowd-00"):
        assert counting.post("/token", bearer=site.signed(subject)).status == 200

"""The RateLimit and Retry-After headers are exact, to the request and to the second."""

from __future__ import annotations

import re
import time

import pytest

from system import site
from system.configurations import configuration

CONFIGURATION = configuration(
    limits="concurrent = { user = 1000, guest = 1000 }",
    quick='limits = ["2/second", "4/minute"]',
    counted='limits = ["3/second"]',
    daily='limits = ["1/day"]',
)
_QUOTA = re.compile(r'"(?P<name>[^"]+)";r=(?P<left>\d+);t=(?P<reset>\d+)')


@pytest.fixture(name="fleet", scope="module")
def _fleet(start_fleet):
    return start_fleet(CONFIGURATION)


def _limits(answer):
    """Return each limit by name: what is left, and in how many seconds there is more."""
    return {m["name"]: (int(m["left"]), int(m["reset"])) for m in _QUOTA.finditer(answer.headers["ratelimit"])}


def _granted_at(fleet, subject):
    """Return when each grant of *subject* was counted, in seconds."""
    query = "select at from events where kind = 'reserved' and subject = :subject order by at"
    return [row.at / 1e6 for row in fleet.rows(query, subject=subject)]


def test_grant_says_how_many_are_left_and_when_the_oldest_stops_counting(fleet):
    for used in range(1, 3):
        answer = fleet.first.post("/token", {"profile": "quick"}, bearer=site.signed("one"))
        assert answer.status == 200
        first, *_, last = [*_granted_at(fleet, "one"), _granted_at(fleet, "one")[-1]]
        left, reset = _limits(answer)["quick-60"]
        assert left == 4 - used
        assert 0 <= reset - (first + 60 - last) < 1
    assert answer.headers["ratelimit-policy"].endswith('"quick-1";q=2;w=1, "quick-60";q=4;w=60')


def test_waiting_for_retry_after_suffices_for_every_limit(fleet):
    """If several limits are used up at once, Retry-After is the longest wait."""
    bearer = site.signed("two")
    granted = 0
    for _ in range(60):
        answer = fleet.first.post("/token", {"profile": "quick"}, bearer=bearer)
        if answer.status == 200:
            granted += 1
            continue
        assert answer.code == "rate-limited"
        limits = _limits(answer)
        assert {left for left, _ in limits.values()} == {0}
        reset = max(reset for _, reset in limits.values())
        assert int(answer.headers["retry-after"]) == max(1, reset)
        if granted == 4:
            break
        time.sleep(int(answer.headers["retry-after"]))  # the test is about this wait
    # The limit per minute is used up, and maybe the one per second: the minute is the longer wait.
    requested_at = time.time()
    answer = fleet.first.post("/token", {"profile": "quick"}, bearer=bearer)
    assert answer.status == 429
    retry_after = int(answer.headers["retry-after"])
    first = _granted_at(fleet, "two")[0]
    assert first + 60 - time.time() <= retry_after <= first + 60 - requested_at + 1


def test_refused_requests_do_not_count_against_the_limit(fleet):
    bearer = site.signed("three")
    granted = 0
    for _ in range(2000):
        answer = fleet.first.post("/token", {"profile": "counted"}, bearer=bearer)
        granted += answer.status == 200
        if granted == 9:
            break
    at = _granted_at(fleet, "three")
    assert len(at) == 9
    assert all(later - earlier >= 1 for earlier, later in zip(at, at[3:], strict=False))


def test_refusal_by_a_daily_limit_says_to_retry_within_a_day(fleet):
    statuses = []
    for _ in range(2):
        answer = fleet.first.post("/token", {"profile": "daily"}, bearer=site.signed("four"))
        statuses.append(answer.status)
    assert statuses == [200, 429]
    assert answer.code == "rate-limited"
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_400


def test_similar_subjects_have_separate_limits(fleet):
    for subject in ("five", "five ", "Five", "five\u200b", '["five"]', "fivefive"):
        for status in (200, 429):
            answer = fleet.first.post("/token", {"profile": "daily"}, bearer=site.signed(subject))
            assert answer.status == status, subject

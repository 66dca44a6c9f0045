"""What a caller is told of their limits is true: to the count, and to the second."""

from __future__ import annotations

import re
import time

import pytest

from scale.shops import shop
from service import site

CONFIGURATION = shop(
    limits="concurrent = { user = 1000, guest = 1000 }",
    quick='limits = ["2/second", "4/minute"]',
    counted='limits = ["3/second"]',
)
_QUOTA = re.compile(r'"(?P<name>[^"]+)";r=(?P<left>\d+);t=(?P<reset>\d+)')


@pytest.fixture(name="fleet", scope="module")
def _fleet(start_fleet):
    return start_fleet(CONFIGURATION)


def _told(answer):
    """The limit by its name: what is left, and in how many seconds there is more."""
    return {
        m["name"]: (int(m["left"]), int(m["reset"]))
        for m in _QUOTA.finditer(answer.headers["ratelimit"])
    }


def _at(fleet, subject):
    """When each of *subject*'s grants was counted, in seconds."""
    query = "select at from events where kind = 'reserved' and subject = :subject order by at"
    return [row.at / 1e6 for row in fleet.rows(query, subject=subject)]


def test_where_a_caller_stands(fleet):
    """Each grant says what is left, and when the oldest that counts goes."""
    for used in range(1, 3):
        answer = fleet.first.post("/token", {"profile": "quick"}, bearer=site.signed("one"))
        assert answer.status == 200
        first, *_, last = [*_at(fleet, "one"), _at(fleet, "one")[-1]]
        left, reset = _told(answer)["quick-60"]
        assert left == 4 - used
        assert 0 <= reset - (first + 60 - last) < 1
    assert answer.headers["ratelimit-policy"].endswith('"quick-1";q=2;w=1, "quick-60";q=4;w=60')


def test_waiting_as_told(fleet):
    """It suffices, whichever limit it is that is used up: also where two are at once."""
    bearer = site.signed("two")
    granted = 0
    for _ in range(60):
        answer = fleet.first.post("/token", {"profile": "quick"}, bearer=bearer)
        if answer.status == 200:
            granted += 1
            continue
        assert answer.code == "rate-limited"
        told = _told(answer)
        assert {left for left, _ in told.values()} == {0}
        reset = max(reset for _, reset in told.values())
        assert int(answer.headers["retry-after"]) == max(1, reset)
        if granted == 4:
            break
        time.sleep(int(answer.headers["retry-after"]))  # the wait itself is what is tried
    # The minute is used up, and so may the second be: it is the minute that is waited for.
    asked = time.time()
    answer = fleet.first.post("/token", {"profile": "quick"}, bearer=bearer)
    assert answer.status == 429
    told = int(answer.headers["retry-after"])
    first = _at(fleet, "two")[0]
    assert first + 60 - time.time() <= told <= first + 60 - asked + 1


def test_not_waiting_as_told(fleet):
    """A refusal is no grant: whoever asks all the time is not kept out the longer for it."""
    bearer = site.signed("three")
    granted = 0
    for _ in range(2000):
        answer = fleet.first.post("/token", {"profile": "counted"}, bearer=bearer)
        granted += answer.status == 200
        if granted == 9:
            break
    at = _at(fleet, "three")
    assert len(at) == 9
    assert all(later - earlier >= 1 for earlier, later in zip(at, at[3:], strict=False))

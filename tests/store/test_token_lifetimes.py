"""The cost and lifetime of one more token, computed without a store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensvc.errors import RateLimited, TooManyAtOnce
from tokensvc.store.times import SECOND
from tokensvc.store.token_lifetimes import (
    ALLOWANCE,
    FRESH_PAUSE,
    MOST_TOKENS,
    Asked,
    LiveTokens,
    Taken,
    decide,
)

SHORTEST = 30


@dataclass
class Conversation:
    """A lease and its tokens; times here are in seconds."""

    lifetime: int = 300
    duration: int = 1800
    full: bool = False  # whether all other places are taken
    now: float = 0
    charged: int = 0
    state: object = None
    tokens: dict[str, tuple[float, float, str | None]] = field(default_factory=dict)

    @property
    def live(self):
        """The ends of the unexpired tokens; a run of tokens with one handle counts once."""
        return sorted(end for _, end, _ in self.tokens.values() if end > self.now)

    def request(self, handle=None, *, left=None, holder="alice"):
        """Return the lifetime and the cost of one more token."""
        ends = [int(end * SECOND) for end in self.live[-MOST_TOKENS:]]
        of_lease = Taken(MOST_TOKENS, len(ends), ends[0] if ends else None)
        now = round(self.now * SECOND)
        places = Taken(2, 2 if self.full and self.state else 0, now + 1000 * SECOND)
        asked = Asked(
            id=f"token-{len(self.tokens)}",
            now=now,
            holder=holder,
            handle=handle,
            lifetime=self.lifetime * SECOND,
            deadline=self.duration * SECOND,
        )
        terms = decide(self.state, asked, LiveTokens(of_lease, places, replace(places, limit=4)), left)
        begins = self.now
        if terms.replaces:
            begins, _, _ = self.tokens.pop(self.state.token_id)
        self.tokens[asked.id] = (begins, terms.state.token_end / SECOND, handle)
        self.state = terms.state
        self.charged += terms.seconds
        return (terms.end - now) / SECOND, terms.seconds

    @property
    def allowance(self):
        """The seconds that tokens may live beyond what is charged."""
        return ALLOWANCE * self.lifetime + self.now

    @property
    def lived(self):
        return sum(end - begins for begins, end, _ in self.tokens.values())


def test_first_token_costs_its_whole_lifetime():
    assert Conversation().request() == (300, 300)


@pytest.mark.parametrize("at", [240, 260, 280, 299])
def test_renewal_before_the_end_costs_only_the_added_time(at):
    conversation = Conversation(duration=10**6)
    conversation.request()
    for number in range(1, 100):
        conversation.now = number * at
        assert conversation.request(f"handle-{number}") == (300, at)


def test_pause_between_tokens_is_not_charged():
    conversation = Conversation()
    conversation.request()
    conversation.now = 900
    assert conversation.request("handle") == (300, 300)


def test_last_token_ends_with_the_conversation():
    conversation = Conversation(duration=400)
    conversation.request()
    conversation.now = 200
    assert conversation.request("handle") == (200, 100)


def test_repeated_handle_costs_only_the_added_time():
    """Both tokens are locked to one handle, which carries one session at a time."""
    conversation = Conversation()
    conversation.request()
    conversation.now = 280
    conversation.request("handle")
    for number in range(281, 381):
        conversation.now = number
        assert conversation.request("handle") == (300, 1)
    assert len(conversation.live) == 1


def test_repeated_handle_gets_at_least_the_remaining_time_for_free():
    """This holds even after the conversation has used some of its allowance."""
    conversation = Conversation()
    conversation.request()
    conversation.now = 20
    conversation.request("handle")
    conversation.now = 22
    assert conversation.request("handle") == (298, 0)


def test_repeated_handle_does_not_extend_a_short_token_for_free():
    """Only the time of the handle's own token is free, not that of another token."""
    conversation = Conversation()
    conversation.request()
    for number in range(10):
        conversation.now += 10
        conversation.request(f"handle-{number}")
    charged = conversation.charged
    for _ in range(20):
        conversation.now += 1
        conversation.request("handle-9")
    assert conversation.lived <= conversation.charged + conversation.allowance
    assert conversation.charged >= charged


@pytest.mark.parametrize("drop_interval", [10, 12, 15, 20, 25, 30, 45, 60])
@pytest.mark.parametrize("duration", [600, 1200])
def test_frequent_drops_cost_at_most_half_more_and_are_never_refused(drop_interval, duration):
    """The client renews with a new handle after each drop and before each token ends."""
    undisturbed, dropping = (
        _conversation_with_drops(duration, duration),
        _conversation_with_drops(drop_interval, duration),
    )
    assert dropping.charged <= 1.5 * undisturbed.charged
    if drop_interval >= 15:
        assert dropping.charged <= 1.25 * duration


def _conversation_with_drops(drop_interval, duration):
    conversation = Conversation(full=True)
    life, _ = conversation.request()
    end, drop, number = life, drop_interval, 0
    while True:
        due = end - min(20, life / 3)
        conversation.now = min(due, drop)
        if conversation.now >= duration:
            return conversation
        if conversation.now == drop:
            drop += drop_interval
        number += 1
        life, _ = conversation.request(f"handle-{number}")
        assert life >= SHORTEST
        end = conversation.now + life


@pytest.mark.parametrize("first", [10, 60, 200])
@pytest.mark.parametrize("interval", [10, 30, 60, 100])
@pytest.mark.parametrize("attempts", [0, 3])
def test_three_network_changes_are_never_refused(first, interval, attempts):
    """A change is a fresh start, with or without attempts to resume in the seconds before it."""
    conversation = Conversation(full=True, duration=10**6)
    conversation.request()
    for number in range(3):
        conversation.now = first + number * interval
        for _ in range(attempts):
            conversation.request(f"handle-{number}")
            conversation.now += 1
        assert conversation.request()[0] >= SHORTEST
    due = conversation.now + 300
    assert conversation.charged <= 1.5 * due


def test_one_fresh_start_needs_no_place_of_its_own_until_the_pause_ends():
    conversation = Conversation(full=True)
    conversation.request()
    conversation.now = 60
    conversation.request()
    for _ in range(9):
        with pytest.raises(TooManyAtOnce) as refused:
            conversation.request()
        assert refused.value.retry_after == FRESH_PAUSE / SECOND
    conversation.now += refused.value.retry_after
    conversation.request()


def test_full_lease_waits_for_a_token_to_expire_unless_it_repeats_a_handle():
    conversation = Conversation()
    conversation.request()
    for number in range(MOST_TOKENS - 1):
        conversation.request(f"handle-{number}")
    with pytest.raises(RateLimited) as refused:
        conversation.request("another")
    conversation.request(f"handle-{MOST_TOKENS - 2}")
    conversation.now += refused.value.retry_after
    conversation.request("another")


def test_nearly_spent_budget_shortens_the_token():
    conversation = Conversation()
    conversation.request()
    conversation.now = 100
    assert conversation.request("handle", left=0) == (200, 0)
    assert Conversation().request(left=50) == (50, 50)


def test_tokens_are_short_until_the_spent_allowance_is_regained():
    conversation = Conversation(lifetime=100)
    conversation.request()
    lives = []
    for number in range(5):
        conversation.now += 1
        lives.append(conversation.request(f"handle-{number}")[0])
    assert lives == [100, 30, 30, 30, 30]
    conversation.now = 1000
    assert conversation.request("later") == (100, 100)


_REQUESTS = st.lists(
    st.tuples(
        st.sampled_from([0, 0.3, 1, 7, 10, 29.9, 60, 250, 301]),
        st.sampled_from([None, "a", "a", "b", "c"]),
        st.sampled_from([None, None, None, 0, 40, 250]),
    ),
    max_size=40,
)


@given(_REQUESTS, st.sampled_from([30, 60, 300, 3600]))
@settings(max_examples=300, deadline=None)
def test_tokens_never_outlive_the_charge_and_the_allowance(requests, lifetime):
    """A lease never exceeds its number of tokens, and no token costs more than the budget has."""
    conversation = Conversation(lifetime, duration=10**6)
    conversation.request()
    for wait, handle, left in requests:
        conversation.now += wait
        try:
            life, cost = conversation.request(handle, left=left)
        except RateLimited:
            assert len(conversation.live) == MOST_TOKENS
            continue
        assert life <= lifetime
        assert 0 <= cost <= (lifetime if left is None else left)
        assert life >= SHORTEST or left is not None
        assert len(conversation.live) <= MOST_TOKENS
        assert conversation.lived <= conversation.charged + conversation.allowance + 1e-3

"""What one more token costs and how long it lives, as arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensvc.errors import RateLimited, TooManyAtOnce
from tokensvc.store.accounting import (
    ALLOWANCE,
    FRESH_PAUSE,
    MOST_TOKENS,
    Asked,
    LiveTokens,
    Taken,
    decide,
)
from tokensvc.store.times import SECOND

SHORTEST = 30


@dataclass
class Conversation:
    """A lease and its tokens; times here are in seconds."""

    lifetime: int = 300
    lasts: int = 1800
    full: bool = False  # all other places are taken
    now: float = 0
    charged: int = 0
    state: object = None
    tokens: dict[str, tuple[float, float, str | None]] = field(default_factory=dict)

    @property
    def live(self):
        """The ends of the unexpired tokens; those with one handle in a row are one."""
        return sorted(end for _, end, _ in self.tokens.values() if end > self.now)

    def ask(self, handle=None, *, left=None, holder="alice"):
        """Be granted a token; how long it lives and what it cost."""
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
            deadline=self.lasts * SECOND,
        )
        terms = decide(
            self.state, asked, LiveTokens(of_lease, places, replace(places, limit=4)), left
        )
        begins = self.now
        if terms.replaces:
            begins, _, _ = self.tokens.pop(self.state.token_id)
        self.tokens[asked.id] = (begins, terms.state.token_end / SECOND, handle)
        self.state = terms.state
        self.charged += terms.seconds
        return (terms.end - now) / SECOND, terms.seconds

    @property
    def allowed(self):
        """The seconds that tokens may live beyond what is charged."""
        return ALLOWANCE * self.lifetime + self.now

    @property
    def lived(self):
        return sum(end - begins for begins, end, _ in self.tokens.values())


def test_the_first_token_is_paid_in_full():
    assert Conversation().ask() == (300, 300)


@pytest.mark.parametrize("at", [240, 260, 280, 299])
def test_a_renewal_shortly_before_the_end_costs_what_it_adds(at):
    talk = Conversation(lasts=10**6)
    talk.ask()
    for number in range(1, 100):
        talk.now = number * at
        assert talk.ask(f"handle-{number}") == (300, at)


def test_a_pause_is_not_charged():
    talk = Conversation()
    talk.ask()
    talk.now = 900
    assert talk.ask("handle") == (300, 300)


def test_the_last_token_ends_with_the_conversation():
    talk = Conversation(lasts=400)
    talk.ask()
    talk.now = 200
    assert talk.ask("handle") == (200, 100)


def test_the_same_handle_again_costs_what_it_adds():
    """Both tokens are locked to one handle, which carries one session at a time."""
    talk = Conversation()
    talk.ask()
    talk.now = 280
    talk.ask("handle")
    for number in range(281, 381):
        talk.now = number
        assert talk.ask("handle") == (300, 1)
    assert len(talk.live) == 1


def test_the_same_handle_again_is_as_good_as_before():
    """With the allowance drawn upon, too, it lasts at least as long, and that costs nothing."""
    talk = Conversation()
    talk.ask()
    talk.now = 20
    talk.ask("handle")
    talk.now = 22
    assert talk.ask("handle") == (298, 0)


def test_the_same_handle_does_not_stretch_a_short_token_for_nothing():
    """Only what its own token covers is free: another's time was paid for another token."""
    talk = Conversation()
    talk.ask()
    for number in range(10):
        talk.now += 10
        talk.ask(f"handle-{number}")
    drawn = talk.charged
    for _ in range(20):
        talk.now += 1
        talk.ask("handle-9")
    assert talk.lived <= talk.charged + talk.allowed
    assert talk.charged >= drawn


@pytest.mark.parametrize("every", [10, 12, 15, 20, 25, 30, 45, 60])
@pytest.mark.parametrize("lasting", [600, 1200])
def test_a_client_that_drops_again_and_again_pays_at_most_half_more(every, lasting):
    """It is never refused; it renews by a new handle after each drop, and ahead of each end."""
    unhurt, dropping = _talked(lasting, lasting), _talked(every, lasting)
    assert dropping.charged <= 1.5 * unhurt.charged
    if every >= 15:
        assert dropping.charged <= 1.25 * lasting


def _talked(every, lasting):
    talk = Conversation(full=True)
    life, _ = talk.ask()
    end, drop, number = life, every, 0
    while True:
        due = end - min(20, life / 3)
        talk.now = min(due, drop)
        if talk.now >= lasting:
            return talk
        if talk.now == drop:
            drop += every
        number += 1
        life, _ = talk.ask(f"handle-{number}")
        assert life >= SHORTEST
        end = talk.now + life


@pytest.mark.parametrize("first", [10, 60, 200])
@pytest.mark.parametrize("apart", [10, 30, 60, 100])
@pytest.mark.parametrize("tried", [0, 3])
def test_three_changes_of_network_are_never_refused(first, apart, tried):
    """A change is a fresh start, with or without an attempt to resume a few seconds before it."""
    talk = Conversation(full=True, lasts=10**6)
    talk.ask()
    for number in range(3):
        talk.now = first + number * apart
        for _ in range(tried):
            talk.ask(f"handle-{number}")
            talk.now += 1
        assert talk.ask()[0] >= SHORTEST
    due = talk.now + 300
    assert talk.charged <= 1.5 * due


def test_a_burst_of_fresh_starts():
    """One needs no place of its own; the next does, until a while later."""
    talk = Conversation(full=True)
    talk.ask()
    talk.now = 60
    talk.ask()
    for _ in range(9):
        with pytest.raises(TooManyAtOnce) as refused:
            talk.ask()
        assert refused.value.retry_after == FRESH_PAUSE / SECOND
    talk.now += refused.value.retry_after
    talk.ask()


def test_a_lease_with_as_many_tokens_as_it_may_have():
    """It waits until one has expired; the same handle again is not another token."""
    talk = Conversation()
    talk.ask()
    for number in range(MOST_TOKENS - 1):
        talk.ask(f"handle-{number}")
    with pytest.raises(RateLimited) as refused:
        talk.ask("another")
    talk.ask(f"handle-{MOST_TOKENS - 2}")
    talk.now += refused.value.retry_after
    talk.ask("another")


def test_a_budget_with_little_left_shortens_the_token():
    talk = Conversation()
    talk.ask()
    talk.now = 100
    assert talk.ask("handle", left=0) == (200, 0)
    assert Conversation().ask(left=50) == (50, 50)


def test_an_allowance_that_is_drawn_upon():
    """Beyond it each second is paid, and tokens are short until it is regained."""
    talk = Conversation(lifetime=100)
    talk.ask()
    lives = []
    for number in range(5):
        talk.now += 1
        lives.append(talk.ask(f"handle-{number}")[0])
    assert lives == [100, 30, 30, 30, 30]
    talk.now = 1000
    assert talk.ask("later") == (100, 100)


_ASKS = st.lists(
    st.tuples(
        st.sampled_from([0, 0.3, 1, 7, 10, 29.9, 60, 250, 301]),
        st.sampled_from([None, "a", "a", "b", "c"]),
        st.sampled_from([None, None, None, 0, 40, 250]),
    ),
    max_size=40,
)


@given(_ASKS, st.sampled_from([30, 60, 300, 3600]))
@settings(max_examples=300, deadline=None)
def test_tokens_live_no_longer_than_was_charged_and_allowed(asks, lifetime):
    """And there are never more than a lease may have, nor does one cost more than is left."""
    talk = Conversation(lifetime, lasts=10**6)
    talk.ask()
    for wait, handle, left in asks:
        talk.now += wait
        try:
            life, cost = talk.ask(handle, left=left)
        except RateLimited:
            assert len(talk.live) == MOST_TOKENS
            continue
        assert life <= lifetime
        assert 0 <= cost <= (lifetime if left is None else left)
        assert life >= SHORTEST or left is not None
        assert len(talk.live) <= MOST_TOKENS
        assert talk.lived <= talk.charged + talk.allowed + 1e-3

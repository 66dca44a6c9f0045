"""Decides how long the next token of a lease lives, what it costs and whether it needs a place.

It accounts for tokens, not sessions, because Google does not report when a token is used or which session a handle
belongs to. Times are whole microseconds since the epoch. docs/architecture.md (Leases) derives the bounds that follow.
"""

import logging
from dataclasses import dataclass

from tokensvc.domain import SHORTEST_TOKEN, LeaseState
from tokensvc.errors import RateLimited, TooManyAtOnce
from tokensvc.store.times import SECOND

ALLOWANCE = 3  # token lifetimes that a lease may use twice, for drops; refills in real time
MOST_TOKENS = 8  # unexpired ones that a lease may have
SHORT = 60 * SECOND  # the longest life of a token that exceeds the allowance
_log = logging.getLogger(__name__)
FRESH_PAUSE = 10 * SECOND  # between two fresh starts that need no place of their own


@dataclass(frozen=True)
class Asked:
    """A requested token."""

    id: str
    now: int
    holder: str
    handle: str | None  # digest of Google's resumption handle; None for a fresh start
    lifetime: int  # the longest that the token may live
    deadline: int  # when the lease ends
    records_places: bool = False  # whether a holder without a free place is logged instead of refused


@dataclass(frozen=True)
class Taken:
    """How many of *limit* are taken, and when one becomes free (None if none is taken)."""

    limit: int
    count: int
    frees_at: int | None

    def wait(self, now: int) -> float:
        """Return the seconds until one is free; 0 if one is free now."""
        if self.count < self.limit or self.frees_at is None:
            return 0
        return (self.frees_at - now) / SECOND


@dataclass(frozen=True)
class LiveTokens:
    """The unexpired tokens of the lease and, unless their number is not limited, of the holder."""

    of_lease: Taken
    placed: Taken | None = None  # those that take a place
    counted: Taken | None = None  # all


@dataclass(frozen=True)
class Terms:
    """The token that may be minted, and the lease's new state."""

    end: int
    seconds: int  # charged
    state: LeaseState
    moves: bool  # it takes over the previous token's place
    replaces: bool  # it replaces the previous token: both are locked to one handle, and so to one session


def decide(state: LeaseState | None, asked: Asked, live: LiveTokens, left: int | None = None) -> Terms:
    """Return the terms of the first token of a lease (without *state*) or of a further one.

    *left* is how many seconds the budgets have left (None: no budget); the token costs no more.

    Raises:
        RateLimited: if the lease has as many unexpired tokens as it may have.
        TooManyAtOnce: if the token needs a place and none is free.
    """
    is_live = state is not None and state.charged_until > asked.now
    state = state if state is not None else _new(asked)
    is_retry = is_live and asked.handle is not None and asked.handle == state.handle
    replaces = is_retry and state.token_end > asked.now
    moves = is_live and (asked.handle is not None or state.fresh_at <= asked.now)
    if not replaces and (wait := live.of_lease.wait(asked.now)):
        raise RateLimited(cause=f"lease: {MOST_TOKENS} unexpired tokens", retry_after=wait)
    _check_places(state, asked, live, moves=moves, is_live=is_live)

    # Two tokens with one handle carry one session, so a retry pays only for the time it adds.
    charged_from = state.token_end if replaces else asked.now
    # How much time the lease may use twice now.
    allowance = max(0, ALLOWANCE * asked.lifetime - max(0, state.drawn_until - asked.now))
    end = _token_end(state, asked, charged_from, allowance, left)
    free = min(allowance, _covered(state, charged_from, end))
    owed = max(0, end - charged_from) - free
    seconds = -(-owed // SECOND)  # rounded up
    fresh = asked.handle is None
    return Terms(
        end,
        seconds,
        LeaseState(
            holder=asked.holder,
            token_id=asked.id,
            token_end=max(charged_from, end),
            # The rest of the last charged second is credited to the next token.
            charged_until=max(end + seconds * SECOND - owed, state.charged_until),
            granted_at=asked.now,
            handle=asked.handle,
            drawn_until=max(asked.now, state.drawn_until) + free,
            # A fresh start within the pause takes another place, and does not extend the pause.
            fresh_at=asked.now + FRESH_PAUSE if fresh and (moves or not is_live) else state.fresh_at,
        ),
        moves,
        replaces,
    )


def _new(asked: Asked) -> LeaseState:
    now = asked.now
    return LeaseState(
        asked.holder,
        asked.id,
        token_end=now,
        charged_until=now,
        granted_at=now,
        handle=None,
        drawn_until=now,
        fresh_at=now,
    )


def _token_end(state: LeaseState, asked: Asked, charged_from: int, allowance: int, left: int | None) -> int:
    """Return when the token ends: in time for the deadline and the budgets' *left* seconds."""
    adapted = _lifetime(state, asked, charged_from, allowance)
    # A retry ends no earlier than the token that it replaces, from whose end it is charged.
    end = min(max(charged_from, asked.now + adapted), asked.now + asked.lifetime, asked.deadline)
    if left is None:  # no budget
        return end
    # Time that the lease has paid for costs nothing, as far as the allowance goes.
    free = min(allowance, max(0, state.charged_until - charged_from))
    return min(end, charged_from + left * SECOND + free)


def _lifetime(state: LeaseState, asked: Asked, charged_from: int, allowance: int) -> int:
    """Return how long the token lives: for a client that drops often, twice the time between two drops.

    So only a few live at once, and they use no more of the allowance than refills meanwhile.
    """
    if 2 * (ALLOWANCE * asked.lifetime - allowance) <= asked.lifetime:  # hardly used
        return asked.lifetime
    length = max(SHORTEST_TOKEN * SECOND, 2 * (asked.now - state.granted_at))
    if _covered(state, charged_from, asked.now + length) > allowance:
        length = min(length, SHORT)
    return min(length, asked.lifetime)


def _covered(state: LeaseState, charged_from: int, end: int) -> int:
    """Return how much of the time from *charged_from* to *end* the lease has already paid for."""
    return max(0, min(end, state.charged_until) - charged_from)


def _check_places(state: LeaseState, asked: Asked, live: LiveTokens, *, moves: bool, is_live: bool) -> None:
    """Check that the holder has a free place, unless the token takes over one of the holder's."""
    if live.placed is None or live.counted is None:
        return
    wait = 0.0 if moves else live.placed.wait(asked.now)
    # Taking over a place of the same holder leaves that holder's count unchanged.
    if not moves or asked.holder != state.holder:
        wait = max(wait, live.counted.wait(asked.now))
    if wait == 0:
        return
    if asked.records_places:
        _log.warning("concurrent would refuse places=%s key=%s", live.placed.limit, asked.holder)
        return
    if is_live and not moves:  # a fresh start, which soon needs no place of its own
        wait = min(wait, (state.fresh_at - asked.now) / SECOND)
    raise TooManyAtOnce(cause=f"{live.placed.limit} places taken", retry_after=wait)

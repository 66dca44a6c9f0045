"""Decides what one more token of a lease costs, how long it lives and whether it needs a place.

Tokens are accounted for, not sessions: Google tells nobody when a token is used or which session a
handle belongs to. Arithmetic only, no SQL; times are whole microseconds since the epoch.
docs/architecture.md (Leases) derives the bounds that these rules give.
"""

from __future__ import annotations

from dataclasses import dataclass

from tokensvc.domain import SHORTEST_TOKEN, LeaseState
from tokensvc.errors import RateLimited, TooManyAtOnce
from tokensvc.store.times import SECOND

ALLOWANCE = 3  # token lifetimes that a lease may have twice, for drops; a second refills a second
MOST_TOKENS = 8  # unexpired ones of a lease
SHORT = 60 * SECOND  # the longest life of a token that is paid for beyond the allowance
FRESH_PAUSE = 10 * SECOND  # from one fresh start that needs no place of its own to the next


@dataclass(frozen=True)
class Asked:
    """A token that is asked for: *lifetime* is its life, *handle* the digest of Google's handle."""

    id: str
    now: int
    holder: str
    handle: str | None
    lifetime: int
    deadline: int


@dataclass(frozen=True)
class Taken:
    """How many of *limit* are taken, and when one comes free (None: while none is taken)."""

    limit: int
    count: int
    frees_at: int | None

    def wait(self, now: int) -> float:
        """Seconds until one is free; 0 where one is."""
        if self.count < self.limit or self.frees_at is None:
            return 0
        return (self.frees_at - now) / SECOND


@dataclass(frozen=True)
class LiveTokens:
    """The unexpired tokens: of the lease, in the holder's places, and all that count for it.

    The last two are None where the holder's places are without limit.
    """

    of_lease: Taken
    placed: Taken | None = None
    counted: Taken | None = None


@dataclass(frozen=True)
class Terms:
    """The token that may be minted: its *end*, the *seconds* charged, and the lease's state then.

    *moves*: it takes over the place of the token before. *replaces*: it is that token again, since
    both are locked to one handle, which carries one session.
    """

    end: int
    seconds: int
    state: LeaseState
    moves: bool
    replaces: bool


def decide(
    state: LeaseState | None, asked: Asked, live: LiveTokens, left: int | None = None
) -> Terms:
    """The terms of a token for a new lease (no *state*) or one more of a lease.

    *left* is the seconds that the budgets have left: the token ends before it costs more.

    Raises:
        RateLimited: while the lease has as many unexpired tokens as it may have.
        TooManyAtOnce: where it needs a place and none is free.
    """
    is_live = state is not None and state.charged_until > asked.now
    state = state if state is not None else _new(asked)
    retry = is_live and asked.handle is not None and asked.handle == state.handle
    replaces = retry and state.token_end > asked.now
    moves = is_live and (asked.handle is not None or state.fresh_at <= asked.now)
    if not replaces:
        _check_lease(live, asked.now)
    _check_places(state, asked, live, moves=moves, is_live=is_live)

    # Two tokens with one handle never carry two sessions, so a retry pays for what it adds only.
    begins = state.token_end if replaces else asked.now
    allowance = _allowance(state, asked)
    length = _length(state, asked, begins, allowance)
    end = min(max(begins, asked.now + length), asked.now + asked.lifetime, asked.deadline)
    if left is not None:
        free = min(allowance, max(0, state.charged_until - begins))
        end = min(end, begins + left * SECOND + free)
    free = min(allowance, _covered(state, begins, end))
    owed = max(0, end - begins) - free
    seconds = -(-owed // SECOND)
    fresh = asked.handle is None
    return Terms(
        end,
        seconds,
        LeaseState(
            holder=asked.holder,
            token_id=asked.id,
            token_end=max(begins, end),
            # What whole seconds charge beyond what is owed is the next token's.
            charged_until=max(end + seconds * SECOND - owed, state.charged_until),
            granted_at=asked.now,
            handle=asked.handle,
            drawn_until=max(asked.now, state.drawn_until) + free,
            fresh_at=asked.now + FRESH_PAUSE
            if fresh and (moves or not is_live)
            else state.fresh_at,
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


def _allowance(state: LeaseState, asked: Asked) -> int:
    """What the lease may have twice at this moment."""
    return max(0, ALLOWANCE * asked.lifetime - max(0, state.drawn_until - asked.now))


def _length(state: LeaseState, asked: Asked, begins: int, allowance: int) -> int:
    """How long the token lives.

    A client that drops often gets tokens of twice the time between two drops: few of them live at
    once, and what it has twice is what the allowance regains meanwhile.
    """
    if 2 * (ALLOWANCE * asked.lifetime - allowance) <= asked.lifetime:  # hardly drawn upon
        return asked.lifetime
    length = max(SHORTEST_TOKEN * SECOND, 2 * (asked.now - state.granted_at))
    if _covered(state, begins, asked.now + length) > allowance:
        length = min(length, SHORT)
    return min(length, asked.lifetime)


def _covered(state: LeaseState, begins: int, end: int) -> int:
    """How much of a life the lease has paid for already, with another token."""
    return max(0, min(end, state.charged_until) - begins)


def _check_lease(live: LiveTokens, now: int) -> None:
    if wait := live.of_lease.wait(now):
        cause = f"lease: {MOST_TOKENS} unexpired tokens"
        raise RateLimited(cause=cause, retry_after=wait)


def _check_places(
    state: LeaseState, asked: Asked, live: LiveTokens, *, moves: bool, is_live: bool
) -> None:
    if live.placed is None or live.counted is None:
        return
    wait = 0.0 if moves else live.placed.wait(asked.now)
    if not moves or asked.holder != state.holder:
        wait = max(wait, live.counted.wait(asked.now))
    if wait == 0:
        return
    if is_live and not moves:  # a fresh start, which may soon be had without a place of its own
        wait = min(wait, (state.fresh_at - asked.now) / SECOND)
    raise TooManyAtOnce(cause=f"{live.placed.limit} places taken", retry_after=wait)

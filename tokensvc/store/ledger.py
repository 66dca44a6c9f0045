"""Admits requests within the limits, and records them in the same transaction."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, bindparam, delete, func, insert, select, update

from tokensvc.domain import (
    SHORTEST_TOKEN,
    Admission,
    Attempt,
    AuditEvent,
    Budget,
    EphemeralToken,
    EventKind,
    Lease,
    LeaseState,
    Reservation,
    Window,
)
from tokensvc.errors import LeaseOver
from tokensvc.store import audit, budgets, counting, refunds, token_lifetimes
from tokensvc.store.blocks import blocks_query, refuse_blocked
from tokensvc.store.driver import Request, Statement, Transaction, Values, transaction
from tokensvc.store.refunds import COUNTED, STATE_FIELDS
from tokensvc.store.schema import leases, tokens
from tokensvc.store.sqlite import unavailable
from tokensvc.store.sweeping import Sweeper
from tokensvc.store.times import SECOND, instant, microseconds
from tokensvc.store.token_lifetimes import Terms

_GRANTED_WITHIN = timedelta(seconds=15)  # of the reservation; a mint takes at most five
# When nobody can open the token of a mint that never ended, after `connect_within`.
_OPENED_WITHIN = 25  # seconds
_MOST_RUNS = 20  # of an admission, each after somebody else has spent of its budget meanwhile


class _Outrun(Exception):  # noqa: N818 - not an error
    """Another admission has spent what was left of a shared budget."""


class Ledger:
    """Reserves, grants, refunds and ends, and records an audit event for each.

    Each method may raise TemporarilyUnavailable; a charge that was made before stands.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], steady: Callable[[], float] = time.monotonic
    ) -> None:
        """*steady* returns a time that is never set, in seconds."""
        self._engine = engine
        self._clock = clock
        self._sweeper = Sweeper(engine, clock, steady)

    def admit(self, admission: Admission) -> Reservation:
        """Check blocks, charge limits and budgets, and record `reserved`, before Google is called.

        Raises:
            Blocked: if an operator has blocked this request.
            LeaseOver: if the conversation has no time left or was ended.
            RateLimited, TooManyAtOnce, BudgetSpent: if a limit is used up; nothing is recorded.
        """
        self._sweeper.tick()
        for _ in range(_MOST_RUNS):
            try:
                with transaction(self._engine, _keys_to_lock(admission)) as opened:
                    return self._admit(opened, admission)
            except _Outrun:
                continue
        raise unavailable("a shared budget is nearly spent, and too many ask for the rest")

    def _admit(self, opened: Transaction, admission: Admission) -> Reservation:
        lease, reservation_id = admission.lease, secrets.token_hex(16)
        at = self._clock()
        now = microseconds(at)
        windows = counting.window_queries(admission.windows, now)
        blocked, states, live, *counts = opened.read(
            blocks_query(admission.blocks),
            (_READ_STATE, {"lease": lease.id}),
            counting.tokens_query(lease.id, admission.holder, admission.places, now),
            *windows,
            *budgets.queries(admission.budgets, now),
        )
        refuse_blocked(blocked, now)
        state = LeaseState(*states[0][:-1]) if states else None
        context = json.loads(states[0][-1] or "{}") if states else lease.context
        _refuse_ended_lease(state, admission, now)
        quotas = counting.check_windows(admission.windows, counts[: len(windows)], now)
        terms = token_lifetimes.decide(
            state,
            _asked(admission, reservation_id, now),
            counting.live_tokens(admission.places, live[0]),
            budgets.seconds_left(admission.budgets, counts[len(windows) :]),
        )
        if terms.end - now < SHORTEST_TOKEN * SECOND:
            raise budgets.spent_error(admission.budgets, now)
        reservation = Reservation(
            reservation_id, admission, at, instant(terms.end), terms.seconds, state, quotas, context
        )
        spent = budgets.spend(admission.budgets, terms.seconds, now)
        changed = opened.write(
            *counting.charges_of(admission.windows, reservation_id, now),
            _lease_change(admission, state, terms),
            *_token_changes(state, terms, now),
            (_INSERT_TOKEN, _token(admission, terms, state, now)),
            audit.record(_event(reservation, EventKind.RESERVED, at)),
            *spent,
        )
        if 0 in changed[len(changed) - len(spent) :]:
            raise _Outrun
        return reservation

    def grant(self, reservation: Reservation, token: EphemeralToken) -> None:
        """Record `granted` with the token's fingerprint."""
        at = self._clock()
        if at > reservation.at + _GRANTED_WITHIN:
            raise unavailable("the mint took so long that its charge may have been returned")
        granted = replace(
            _event(reservation, EventKind.GRANTED, at), fingerprint=token.fingerprint, expires_at=token.expires_at
        )
        with transaction(self._engine) as opened:
            opened.commit(refunds.settled(reservation.id), audit.record(granted))

    def refund(self, reservation: Reservation, code: str) -> None:
        """Return the charge and record `refunded` with the refusal's *code*; if this fails, the sweep does it later."""
        refunded = replace(_event(reservation, EventKind.REFUNDED, self._clock()), code=code)
        with transaction(self._engine, _keys_to_lock(reservation.admission)) as opened:
            refunds.undo(opened, refunded)

    def end(self, lease: Lease, request_id: str, address: str) -> None:
        """End *lease*: free its places and allow no renewal. Nothing is returned to the budgets."""
        with transaction(self._engine, [lease.id]) as opened:
            (gone,) = opened.write((_DELETE_LEASE, {"lease": lease.id}))
            if gone == 1:  # a second time there is nothing to end, nor to record
                about = {"request_id": request_id, "address": address}
                ended = AuditEvent.of_lease(lease, kind=EventKind.ENDED, at=self._clock(), **about)
                free = (_FREE_PLACES, {"lease": lease.id, "place_of": None})
                opened.commit(free, audit.record(ended))

    def charge_attempt(self, *windows: Window) -> Attempt:
        """Count an attempt at something other than minting; raise RateLimited if a limit is used up."""
        self._sweeper.tick()
        attempt = secrets.token_hex(16)
        with transaction(self._engine, [window.key for window in windows]) as opened:
            now = microseconds(self._clock())
            counts = opened.read(*counting.window_queries(windows, now))
            counting.check_windows(windows, counts, now)
            opened.commit(*counting.charges_of(windows, attempt, now))
        return Attempt(counting.charged_keys(windows), attempt, now)

    def forgive_attempt(self, attempt: Attempt) -> None:
        """Remove the charge for an attempt."""
        with transaction(self._engine) as opened:
            opened.commit(*counting.uncharge(attempt.keys, attempt.id, attempt.at))

    def live_leases(self) -> int:
        """Return how many conversations have a token that has not expired."""
        with transaction(self._engine) as opened:
            (((count,),),) = opened.read((_COUNT_LIVE, {"now": microseconds(self._clock())}))
        return int(count)

    def budgets_left(self, shared: Sequence[Budget]) -> dict[str, tuple[int, int]]:
        """Return the seconds of each budget, and how many of them are left today (UTC), by its name."""
        with transaction(self._engine) as opened:
            answers = opened.read(*budgets.queries(shared, microseconds(self._clock())))
        return {budget.name: (budget.seconds, max(0, left)) for budget, left in budgets.unspent(shared, answers)}


def _keys_to_lock(admission: Admission) -> list[str]:
    """Return the keys of what this admission counts and changes, except its shared budgets."""
    return [
        admission.lease.id,
        *([admission.holder] if admission.places is not None else []),
        *(window.key for window in admission.windows),
    ]


def _asked(admission: Admission, reservation_id: str, now: int) -> token_lifetimes.Asked:
    return token_lifetimes.Asked(
        reservation_id,
        now,
        admission.holder,
        admission.handle,
        lifetime=admission.wanted * SECOND,
        deadline=microseconds(admission.lease.expires_at),
        records_places=admission.records_places,
    )


def _refuse_ended_lease(state: LeaseState | None, admission: Admission, now: int) -> None:
    if not admission.renewal:
        return
    if state is None:
        raise LeaseOver(cause="ended, or so old that the store no longer knows it")
    if microseconds(admission.lease.expires_at) - now < SHORTEST_TOKEN * SECOND:
        raise LeaseOver(cause="no time left")


def _lease_change(admission: Admission, previous: LeaseState | None, terms: Terms) -> Request:
    lease, state = admission.lease, vars(terms.state)
    if previous is not None:
        return _UPDATE_LEASE, state | {"lease": lease.id}
    context = json.dumps(lease.context) if lease.context else None
    return _INSERT_LEASE, state | {"id": lease.id, "deadline": microseconds(lease.expires_at), "context": context}


def _token_changes(previous: LeaseState | None, terms: Terms, now: int) -> Iterator[Request]:
    if previous is not None and terms.moves:  # the new token takes over the last one's place
        moved = {"token": previous.token_id, "place_of": None, "counted_for": None}
        yield (_REPLACE_TOKEN, moved | {"expires_at": now}) if terms.replaces else (_MOVE, moved)


def _token(admission: Admission, terms: Terms, previous: LeaseState | None, now: int) -> Values:
    return {
        "id": terms.state.token_id,
        "lease_id": admission.lease.id,
        "opens_until": now + (admission.connect_within + _OPENED_WITHIN) * SECOND,
        "undo": refunds.recipe(now, terms.seconds, admission, previous),
        **refunds.counted(terms.state),
    }


def _event(reservation: Reservation, kind: EventKind, at: datetime) -> AuditEvent:
    admission = reservation.admission
    return AuditEvent.of_lease(
        admission.lease,
        at=at,
        kind=kind,
        request_id=admission.request_id,
        address=admission.address,
        reservation_id=reservation.id,
        model=admission.model,
        renewal=admission.renewal,
        seconds=reservation.seconds,
    )


_COUNT_LIVE = Statement(select(func.count()).where(leases.c.token_end > bindparam("now")))
_this_lease = leases.c.id == bindparam("lease")
_this_token = tokens.c.id == bindparam("token")
_READ_STATE = Statement(select(*(leases.c[name] for name in (*STATE_FIELDS, "context"))).where(_this_lease))
_INSERT_LEASE = Statement(insert(leases), ["id", "deadline", "context", *STATE_FIELDS])
_UPDATE_LEASE = Statement(update(leases).where(_this_lease), STATE_FIELDS)
_DELETE_LEASE = Statement(delete(leases).where(_this_lease))
_INSERT_TOKEN = Statement(insert(tokens), ["id", "lease_id", "opens_until", "undo", *COUNTED])
_MOVE = Statement(update(tokens).where(_this_token), ["place_of", "counted_for"])
_REPLACE_TOKEN = Statement(update(tokens).where(_this_token), ["place_of", "counted_for", "expires_at"])
_FREE_PLACES = Statement(update(tokens).where(tokens.c.lease_id == bindparam("lease")), ["place_of"])

"""Admits requests within the limits, and records them in the same transaction."""

from __future__ import annotations

import uuid
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from tokensvc.domain import SHORTEST_TOKEN, AuditEvent, EventKind, LeaseState, Reservation
from tokensvc.errors import Blocked, LeaseOver
from tokensvc.store import audit, budgets, counting, token_lifetimes
from tokensvc.store.engine import transaction
from tokensvc.store.schema import blocks, leases, tokens
from tokensvc.store.times import SECOND, instant, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from tokensvc.domain import Admission, EphemeralToken, Lease, Window
    from tokensvc.store.token_lifetimes import Terms

_STATE = [leases.c[field.name] for field in fields(LeaseState)]


class Ledger:
    """Reserves, grants, refunds and ends, and records an audit event for each."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        """*clock* returns the time in UTC."""
        self._engine = engine
        self._clock = clock

    def admit(self, admission: Admission) -> Reservation:
        """Check blocks, charge limits and budgets, and record `reserved`, before Google is called.

        Raises:
            Blocked: if an operator has blocked this request.
            LeaseOver: if the conversation has no time left or was ended.
            RateLimited, TooManyAtOnce, BudgetSpent: if a limit is used up; nothing is recorded.
            TemporarilyUnavailable: if the store cannot be written.
        """
        with transaction(self._engine, _keys_to_lock(admission)) as connection:
            # Read the clock inside: the lock orders transactions, and so their times.
            at = self._clock()
            now = microseconds(at)
            reservation_id = uuid.uuid4().hex
            _refuse_blocked(connection, admission, now)
            state = _read_state(connection, admission.lease.id)
            _refuse_ended_lease(state, admission, now)
            quotas = counting.charge_windows(connection, admission.windows, reservation_id, now)
            live = counting.live_tokens(
                connection, admission.lease.id, admission.holder, admission.places, now
            )
            left = budgets.seconds_left(connection, admission.budgets, now)
            terms = token_lifetimes.decide(
                state, _asked(admission, reservation_id, now), live, left
            )
            if terms.end - now < SHORTEST_TOKEN * SECOND:
                raise budgets.spent_error(admission.budgets, now)
            budgets.spend(connection, admission.budgets, terms.seconds, now)
            counting.sweep(connection, now)
            _write_lease(connection, admission, state, terms)
            _write_tokens(connection, admission.lease.id, state, terms, now)
            reservation = Reservation(
                reservation_id, admission, at, instant(terms.end), terms.seconds, state, quotas
            )
            audit.record(connection, _event(reservation, EventKind.RESERVED, at))
        return reservation

    def grant(self, reservation: Reservation, token: EphemeralToken) -> None:
        """Record `granted` with the token's fingerprint.

        Raises:
            TemporarilyUnavailable: if the store cannot be written; the charge then stands.
        """
        granted = replace(
            _event(reservation, EventKind.GRANTED, self._clock()),
            fingerprint=token.fingerprint,
            expires_at=token.expires_at,
        )
        with transaction(self._engine) as connection:
            audit.record(connection, granted)

    def refund(self, reservation: Reservation, code: str) -> None:
        """Return the charge and record `refunded` with the refusal's *code*.

        Raises:
            TemporarilyUnavailable: if the store cannot be written; the charge then stands.
        """
        admission = reservation.admission
        with transaction(self._engine, _keys_to_lock(admission)) as connection:
            counting.uncharge(connection, reservation.id)
            withdrawn = _withdraw(connection, admission.lease.id, reservation)
            returned = reservation.seconds if withdrawn else 0
            # On the day that was charged, even if it is past midnight now.
            budgets.spend(connection, admission.budgets, -returned, microseconds(reservation.at))
            refunded = _event(reservation, EventKind.REFUNDED, self._clock())
            audit.record(connection, replace(refunded, code=code, seconds=returned))

    def end(self, lease: Lease, request_id: str, address: str) -> None:
        """End *lease*: free its places and allow no renewal. Nothing is returned to the budgets.

        Raises:
            TemporarilyUnavailable: if the store cannot be written.
        """
        with transaction(self._engine, [lease.id]) as connection:
            gone = connection.execute(delete(leases).where(leases.c.id == lease.id))
            if gone.rowcount == 1:  # a second time there is nothing to end, nor to record
                connection.execute(
                    update(tokens).where(tokens.c.lease_id == lease.id).values(place_of=None)
                )
                about = {"request_id": request_id, "address": address}
                ended = AuditEvent.of_lease(lease, kind=EventKind.ENDED, at=self._clock(), **about)
                audit.record(connection, ended)

    def charge_attempt(self, *windows: Window) -> str:
        """Count an attempt at something other than minting, and return its id.

        Raises:
            RateLimited: if a limit is used up.
            TemporarilyUnavailable: if the store cannot be written.
        """
        attempt = uuid.uuid4().hex
        with transaction(self._engine, [window.key for window in windows]) as connection:
            now = microseconds(self._clock())
            counting.charge_windows(connection, windows, attempt, now)
            counting.sweep(connection, now)
        return attempt

    def forgive_attempt(self, attempt: str) -> None:
        """Remove the charge for an attempt.

        Raises:
            TemporarilyUnavailable: if the store cannot be written; the charge then stands.
        """
        with transaction(self._engine) as connection:
            counting.uncharge(connection, attempt)


def _keys_to_lock(admission: Admission) -> list[str]:
    """Return every key whose count this admission reads and changes."""
    return [
        admission.lease.id,
        *([admission.holder] if admission.places is not None else []),
        *(window.key for window in admission.windows),
        *(budget.key for budget in admission.budgets),
    ]


def _refuse_blocked(connection: Connection, admission: Admission, now: int) -> None:
    found = connection.execute(
        select(blocks.c.key, blocks.c.until).where(blocks.c.key.in_(admission.blocks))
    ).all()
    in_force = [block for block in found if block.until is None or block.until > now]
    if not in_force:
        return
    ends = [block.until for block in in_force if block.until is not None]
    # None if one of the blocks has no end.
    wait = (max(ends) - now) / SECOND if len(ends) == len(in_force) else None
    raise Blocked(cause="; ".join(block.key for block in in_force), retry_after=wait)


def _asked(admission: Admission, reservation_id: str, now: int) -> token_lifetimes.Asked:
    return token_lifetimes.Asked(
        reservation_id,
        now,
        admission.holder,
        admission.handle,
        lifetime=admission.wanted * SECOND,
        deadline=microseconds(admission.lease.expires_at),
    )


def _read_state(connection: Connection, lease_id: str) -> LeaseState | None:
    row = connection.execute(select(*_STATE).where(leases.c.id == lease_id)).one_or_none()
    return LeaseState(*row) if row else None


def _refuse_ended_lease(state: LeaseState | None, admission: Admission, now: int) -> None:
    if not admission.renewal:
        return
    if state is None:
        raise LeaseOver(cause="ended, or so old that the store no longer knows it")
    if microseconds(admission.lease.expires_at) - now < SHORTEST_TOKEN * SECOND:
        raise LeaseOver(cause="no time left")


def _write_lease(
    connection: Connection, admission: Admission, previous: LeaseState | None, terms: Terms
) -> None:
    lease = admission.lease
    if previous is None:
        deadline = microseconds(lease.expires_at)
        connection.execute(
            insert(leases).values(id=lease.id, deadline=deadline, **asdict(terms.state))
        )
        return
    connection.execute(update(leases).where(leases.c.id == lease.id).values(asdict(terms.state)))


def _write_tokens(
    connection: Connection, lease_id: str, previous: LeaseState | None, terms: Terms, now: int
) -> None:
    state = terms.state
    if previous is not None and terms.moves:  # the new token takes over the last one's place
        moved: dict[str, Any] = {"place_of": None, "counted_for": None}
        if terms.replaces:
            moved["expires_at"] = now
        connection.execute(update(tokens).where(tokens.c.id == previous.token_id).values(moved))
    connection.execute(
        insert(tokens).values(id=state.token_id, lease_id=lease_id, **_counted(state))
    )


def _counted(state: LeaseState) -> dict[str, Any]:
    """Return the columns of a lease's last token that *state* determines."""
    return {
        "expires_at": state.token_end,
        "place_of": state.holder,
        "counted_for": state.holder,
        "counted_until": state.charged_until,
    }


def _withdraw(connection: Connection, lease_id: str, reservation: Reservation) -> bool:
    """Undo what a reservation did to its lease; return False if a later one has changed it."""
    unchanged = (leases.c.id == lease_id) & (leases.c.token_id == reservation.id)
    previous = reservation.previous
    if previous is None:
        undone = connection.execute(delete(leases).where(unchanged))
    else:
        undone = connection.execute(update(leases).where(unchanged).values(asdict(previous)))
    if undone.rowcount == 0:
        return False
    connection.execute(delete(tokens).where(tokens.c.id == reservation.id))
    if previous is not None:
        connection.execute(
            update(tokens).where(tokens.c.id == previous.token_id).values(_counted(previous))
        )
    return True


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

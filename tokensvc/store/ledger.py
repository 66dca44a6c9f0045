"""Admits within the limits and keeps the record, both in one transaction: no audit, no token."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from tokensvc.domain import SHORTEST_TOKEN, Paid, Reservation
from tokensvc.errors import Blocked, LeaseOver
from tokensvc.store import counting
from tokensvc.store.engine import transaction
from tokensvc.store.schema import blocks, events, leases
from tokensvc.store.times import MICROSECOND, SECOND, instant, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from tokensvc.domain import Admission, EphemeralToken, Lease, Window


class Ledger:
    """The record of what was asked, granted and refunded."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        """*clock* gives the time in UTC."""
        self._engine = engine
        self._clock = clock

    def admit(self, admission: Admission) -> Reservation:
        """Check blocks, charge limits and budgets, and record `reserved`: before Google is asked.

        Raises:
            Blocked: when an operator says so.
            LeaseOver: when the conversation has no time left, or was ended.
            RateLimited, TooManyAtOnce, BudgetSpent: when a limit is used up; nothing is recorded.
            TemporarilyUnavailable: when the store cannot be written.
        """
        with transaction(self._engine, _locked(admission)) as connection:
            # Read the clock inside: the lock orders transactions, and so their times.
            at = self._clock()
            now = microseconds(at)
            reservation_id = uuid.uuid4().hex
            _refuse_blocked(connection, admission, now)
            previous = _standing(connection, admission.lease.id)
            end, base = _to_be_paid(admission, previous, now)
            holds_place = previous is not None and previous.live_until > at
            if admission.places is not None and not holds_place:
                counting.check_places(
                    connection, admission.holder, admission.places, admission.lease.id, now
                )
            seconds = max(0, -((base - end) // SECOND))
            left = counting.seconds_left(connection, admission.budgets, now)
            if left is not None and left < seconds:
                seconds, end = left, base + left * SECOND
                if end - now < SHORTEST_TOKEN * SECOND:
                    raise counting.refuse_spent(admission.budgets, now)
            quotas = counting.charge_windows(connection, admission.windows, reservation_id, now)
            counting.spend(connection, admission.budgets, seconds, now)
            live_until = instant(end)
            if previous is not None:
                # Later by something whatever was asked: a refund sees that somebody built upon it.
                live_until = max(live_until, previous.live_until + MICROSECOND)
            paid = Paid(instant(base + seconds * SECOND), live_until)
            _write_lease(connection, admission, paid, new=previous is None)
            reservation = Reservation(
                reservation_id, at, instant(end), seconds, paid, previous, quotas
            )
            connection.execute(
                insert(events).values(_event(reservation, admission, "reserved", at))
            )
        return reservation

    def grant(self, reservation: Reservation, admission: Admission, token: EphemeralToken) -> None:
        """Record `granted` with the token's fingerprint.

        Raises:
            TemporarilyUnavailable: when the store cannot be written; the charge then stands.
        """
        with transaction(self._engine) as connection:
            connection.execute(
                insert(events).values(
                    _event(reservation, admission, "granted", self._clock())
                    | {
                        "fingerprint": token.fingerprint,
                        "expires_at": microseconds(token.expires_at),
                    }
                )
            )

    def refund(self, reservation: Reservation, admission: Admission, code: str) -> None:
        """Take the charge back and record `refunded` with the refusal's *code*.

        Raises:
            TemporarilyUnavailable: when the store cannot be written; the charge then stands.
        """
        with transaction(self._engine, _locked(admission)) as connection:
            counting.uncharge(connection, reservation.id)
            withdrawn = _withdraw(connection, admission.lease.id, reservation)
            returned = reservation.seconds if withdrawn else 0
            counting.spend(connection, admission.budgets, -returned, microseconds(reservation.at))
            connection.execute(
                insert(events).values(
                    _event(reservation, admission, "refunded", self._clock())
                    | {"code": code, "seconds": returned}
                )
            )

    def end(self, lease: Lease, request_id: str, address: str) -> None:
        """End *lease*: its place is free, it is not renewed again, and no second comes back.

        Raises:
            TemporarilyUnavailable: when the store cannot be written.
        """
        with transaction(self._engine, [lease.id]) as connection:
            gone = connection.execute(delete(leases).where(leases.c.id == lease.id))
            if gone.rowcount == 1:  # a second time there is nothing to end, nor to record
                connection.execute(
                    insert(events).values(
                        at=microseconds(self._clock()),
                        kind="ended",
                        request_id=request_id,
                        address=address,
                        **_whose(lease),
                    )
                )

    def charge_attempt(self, *windows: Window) -> str:
        """Count an attempt at something that is not minting; what it gives names the attempt.

        Raises:
            RateLimited: when a limit is used up.
            TemporarilyUnavailable: when the store cannot be written.
        """
        attempt = uuid.uuid4().hex
        with transaction(self._engine, [window.key for window in windows]) as connection:
            counting.charge_windows(connection, windows, attempt, microseconds(self._clock()))
        return attempt

    def forgive_attempt(self, attempt: str) -> None:
        """Take the charge of an attempt back.

        Raises:
            TemporarilyUnavailable: when the store cannot be written; the charge then stands.
        """
        with transaction(self._engine) as connection:
            counting.uncharge(connection, attempt)


def _locked(admission: Admission) -> list[str]:
    """Every key whose count this admission reads and changes."""
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
    lifted = (max(ends) - now) / SECOND if len(ends) == len(in_force) else None
    raise Blocked(cause="; ".join(block.key for block in in_force), retry_after=lifted)


def _standing(connection: Connection, lease_id: str) -> Paid | None:
    row = connection.execute(
        select(leases.c.charged_until, leases.c.live_until).where(leases.c.id == lease_id)
    ).one_or_none()
    return Paid(instant(row.charged_until), instant(row.live_until)) if row else None


def _to_be_paid(admission: Admission, previous: Paid | None, now: int) -> tuple[int, int]:
    """When the next token should end, and from when on it is not paid for yet."""
    end = min(now + admission.wanted * SECOND, microseconds(admission.lease.expires_at))
    if previous is None:
        if admission.renewal:
            raise LeaseOver(cause="ended, or so old that the store no longer knows it")
        return end, now
    if end - now < SHORTEST_TOKEN * SECOND:
        raise LeaseOver(cause="no time left")
    return end, max(now, microseconds(previous.charged_until))


def _write_lease(connection: Connection, admission: Admission, paid: Paid, *, new: bool) -> None:
    standing = {
        "charged_until": microseconds(paid.charged_until),
        "live_until": microseconds(paid.live_until),
    }
    if new:
        connection.execute(
            insert(leases).values(
                id=admission.lease.id,
                holder=admission.holder,
                deadline=microseconds(admission.lease.expires_at),
                **standing,
            )
        )
        return
    connection.execute(update(leases).where(leases.c.id == admission.lease.id).values(**standing))


def _withdraw(connection: Connection, lease_id: str, reservation: Reservation) -> bool:
    """Undo what a reservation did to its lease; False where a later one has built upon it."""
    as_left = (
        (leases.c.id == lease_id)
        & (leases.c.charged_until == microseconds(reservation.paid.charged_until))
        & (leases.c.live_until == microseconds(reservation.paid.live_until))
    )
    previous = reservation.previous
    if previous is None:
        return connection.execute(delete(leases).where(as_left)).rowcount == 1
    undone = connection.execute(
        update(leases)
        .where(as_left)
        .values(
            charged_until=microseconds(previous.charged_until),
            live_until=microseconds(previous.live_until),
        )
    )
    return undone.rowcount == 1


def _event(
    reservation: Reservation, admission: Admission, kind: str, at: datetime
) -> dict[str, Any]:
    return {
        "at": microseconds(at),
        "kind": kind,
        "reservation_id": reservation.id,
        "request_id": admission.request_id,
        "address": admission.address,
        "model": admission.model,
        "renewal": int(admission.renewal),
        "seconds": reservation.seconds,
        **_whose(admission.lease),
    }


def _whose(lease: Lease) -> dict[str, Any]:
    principal = lease.principal
    return {
        "lease_id": lease.id,
        "principal_kind": principal.kind,
        "issuer": principal.issuer,
        "subject": principal.subject,
        "profile": lease.profile,
    }

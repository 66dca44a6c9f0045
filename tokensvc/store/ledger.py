"""Admits within the limits and keeps the record, both in one transaction: no audit, no token."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from tokensvc.domain import Reservation
from tokensvc.errors import RateLimited
from tokensvc.profiles import LONGEST_WINDOW
from tokensvc.store.engine import transaction
from tokensvc.store.schema import charges, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Engine

    from tokensvc.domain import Admission, EphemeralToken, Limit

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SWEPT = 8  # outdated charges removed with each new one: more than come in, so the table is bounded


class Ledger:
    """The record of what was asked, granted and refunded."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        """*clock* gives the time in UTC."""
        self._engine = engine
        self._clock = clock

    def admit(self, admission: Admission) -> Reservation:
        """Charge the caller's limits and record `reserved`, before Google is asked.

        Raises:
            RateLimited: when a limit is used up; it says when there is more. Nothing is recorded.
            TemporarilyUnavailable: when the store cannot be written.
        """
        with transaction(self._engine) as connection:
            # Read the clock inside: the lock orders transactions, and so their times.
            reservation = Reservation(uuid.uuid4().hex, self._clock())
            who = _who(admission)
            _charge(connection, reservation, _key(*who), admission.limits)
            if admission.profile_limits:
                key = _key(*who, "profile", admission.profile)
                _charge(connection, reservation, key, admission.profile_limits)
            connection.execute(insert(events).values(_event(reservation, admission, "reserved")))
        return reservation

    def grant(self, reservation: Reservation, admission: Admission, token: EphemeralToken) -> None:
        """Record `granted` with the token's fingerprint.

        Raises:
            TemporarilyUnavailable: when the store cannot be written; the charge then stands.
        """
        with transaction(self._engine) as connection:
            connection.execute(
                insert(events).values(
                    _event(reservation, admission, "granted", at=self._clock())
                    | {
                        "fingerprint": token.fingerprint,
                        "expires_at": _microseconds(token.expires_at),
                    }
                )
            )

    def refund(self, reservation: Reservation, admission: Admission, code: str) -> None:
        """Take the charge back and record `refunded` with the refusal's *code*.

        Raises:
            TemporarilyUnavailable: when the store cannot be written; the charge then stands.
        """
        with transaction(self._engine) as connection:
            connection.execute(delete(charges).where(charges.c.reservation_id == reservation.id))
            connection.execute(
                insert(events).values(
                    _event(reservation, admission, "refunded", at=self._clock()) | {"code": code}
                )
            )

    def charge_attempt(self, name: str, *parts: str, limits: Iterable[Limit]) -> None:
        """Count an attempt at *name* by *parts* (who, or where from).

        Raises:
            RateLimited: when a limit is used up.
            TemporarilyUnavailable: when the store cannot be written.
        """
        with transaction(self._engine) as connection:
            reservation = Reservation(uuid.uuid4().hex, self._clock())
            _charge(connection, reservation, _key(name, *parts), limits)


def network_of(address: str) -> str:
    """What a limit by address counts: an IPv4 address, or the /64 that one IPv6 customer has."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _who(admission: Admission) -> tuple[str, ...]:
    principal = admission.principal
    if principal.kind == "guest":
        # A guest's subject is new with each request: only where it comes from can be counted.
        return "address", network_of(admission.address)
    return "subject", principal.issuer, principal.subject


def _key(*parts: str) -> str:
    """Unambiguous whatever the parts hold, so that no subject can pass for another.

    A digest, because parts are unchecked: people type passwords where the user name goes.
    """
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _charge(
    connection: Connection, reservation: Reservation, key: str, limits: Iterable[Limit]
) -> None:
    now = _microseconds(reservation.at)
    for limit in limits:
        window = limit.seconds * 1_000_000
        # The charge that has to leave the window first: there is one exactly when it is full.
        oldest = connection.execute(
            select(charges.c.at)
            .where(charges.c.key == key, charges.c.at > now - window)
            .order_by(charges.c.at.desc())
            .limit(1)
            .offset(limit.count - 1)
        ).scalar()
        if oldest is not None:
            raise RateLimited(
                cause=f"{limit} used up", retry_after=(oldest + window - now) / 1_000_000
            )
    outdated = (
        select(charges.c.id)
        .where(charges.c.at <= now - LONGEST_WINDOW * 1_000_000)
        .order_by(charges.c.at)
        .limit(_SWEPT)
    )
    connection.execute(delete(charges).where(charges.c.id.in_(outdated)))
    connection.execute(insert(charges).values(reservation_id=reservation.id, key=key, at=now))


def _event(
    reservation: Reservation, admission: Admission, kind: str, *, at: datetime | None = None
) -> dict[str, Any]:
    return {
        "at": _microseconds(at or reservation.at),
        "kind": kind,
        "reservation_id": reservation.id,
        "request_id": admission.request_id,
        "principal_kind": admission.principal.kind,
        "issuer": admission.principal.issuer,
        "subject": admission.principal.subject,
        "address": admission.address,
        "profile": admission.profile,
        "model": admission.model,
    }


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND

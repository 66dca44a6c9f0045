"""The main use case: who asks gets a short-lived, locked token, within limits, on the record."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from tokensvc import quota_keys
from tokensvc.domain import Admission, Lease
from tokensvc.errors import (
    AuthenticationRequired,
    InvalidRequest,
    LeaseRefused,
    ProfileNotAllowed,
    Refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tokensvc.config.file import LimitTable
    from tokensvc.domain import Credentials, EphemeralToken, Principal, Reservation
    from tokensvc.gemini.compiler import CompiledProfile

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """What may be had, by whom, and how much of it; swapped whole when its file changes."""

    profiles: Mapping[str, CompiledProfile]
    limits: LimitTable


@dataclass(frozen=True)
class Order:
    """What a caller asks for.

    A new conversation: a profile by name, and values for its options. Or to go on with one: its
    lease, and Google's handle where there is one.
    """

    profile: str = "default"
    options: dict[str, str] = field(default_factory=dict)
    unverified_lease: str | None = field(default=None, repr=False)
    resumption_handle: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Grant:
    """What a caller gets: the token, the lease, and what the token is held to."""

    token: EphemeralToken
    compiled: CompiledProfile
    lease: Lease
    signed_lease: str = field(repr=False)
    reservation: Reservation
    resumption_handle: str | None = field(repr=False)
    at: datetime


class Authenticator(Protocol):
    """Knows who is asking."""

    def authenticate(self, credentials: Credentials) -> Principal:
        """The principal, or a Refusal."""
        ...


class Ledger(Protocol):
    """Admits, and records."""

    def admit(self, admission: Admission) -> Reservation:
        """A reservation, or a Refusal."""
        ...

    def grant(self, reservation: Reservation, admission: Admission, token: EphemeralToken) -> None:
        """Record the grant."""
        ...

    def refund(self, reservation: Reservation, admission: Admission, code: str) -> None:
        """Record the refund."""
        ...

    def end(self, lease: Lease, request_id: str, address: str) -> None:
        """End a conversation."""
        ...


class Minter(Protocol):
    """Creates tokens at Google."""

    def mint(
        self,
        compiled: CompiledProfile,
        lease: Lease,
        expires_at: datetime,
        resumption_handle: str | None = None,
    ) -> EphemeralToken:
        """A token, or a Refusal."""
        ...


class LeaseSigner(Protocol):
    """Signs leases, and knows its own."""

    def sign(self, lease: Lease) -> str:
        """The lease as text."""
        ...

    def verify(self, unverified_lease: str) -> Lease:
        """The lease, or a Refusal."""
        ...


@dataclass(frozen=True)
class TokenService:
    """Issues tokens; *policy* gives the one in force, *clock* the time in UTC."""

    authenticator: Authenticator
    policy: Callable[[], Policy]
    ledger: Ledger
    minter: Minter
    leases: LeaseSigner
    clock: Callable[[], datetime]

    def issue(self, credentials: Credentials, order: Order, request_id: str) -> Grant:
        """Authenticate, choose, admit, mint, settle.

        Raises:
            Refusal: at whichever of the five steps says no; a failed mint is refunded.
        """
        policy = self.policy()
        principal, held = self._authenticate(credentials, order)
        compiled, lease = self._choose(policy, principal, held, order)
        admission = _admission(policy, compiled, lease, order, credentials.address, request_id)
        reservation = self.ledger.admit(admission)
        try:
            token = self.minter.mint(
                compiled, lease, reservation.expires_at, order.resumption_handle
            )
        except Refusal as refusal:
            self.ledger.refund(reservation, admission, refusal.code)
            raise
        self.ledger.grant(reservation, admission, token)
        _log.info("granted %s on %s", reservation.id, lease.profile)
        signed = order.unverified_lease or self.leases.sign(lease)
        return Grant(
            token, compiled, lease, signed, reservation, order.resumption_handle, self.clock()
        )

    def end(self, unverified_lease: str, request_id: str, address: str) -> None:
        """End a conversation, for whoever holds its lease; once more changes nothing.

        Raises:
            LeaseRefused: for a lease that is not ours.
        """
        self.ledger.end(self.leases.verify(unverified_lease), request_id, address)

    def offered(self, credentials: Credentials) -> list[CompiledProfile]:
        """The profiles that this caller may use.

        Raises:
            InvalidToken: for a bad credential.
            AuthenticationRequired: for a caller without one, where nothing is open to guests.
        """
        principal = self.authenticator.authenticate(credentials)
        profiles = self.policy().profiles.values()
        offered = [compiled for compiled in profiles if compiled.profile.admits(principal)]
        if not offered and principal.kind == "guest":
            raise AuthenticationRequired
        return offered

    def _authenticate(
        self, credentials: Credentials, order: Order
    ) -> tuple[Principal, Lease | None]:
        """Who is asking, and the conversation that they hold and want to go on with.

        A person goes on with a credential of now; a guest and a backend's user by the lease alone.
        """
        if order.unverified_lease is None:
            return self.authenticator.authenticate(credentials), None
        held = self.leases.verify(order.unverified_lease)
        if held.principal.kind != "user" and credentials.unverified_bearer is None:
            return held.principal, held
        principal = self.authenticator.authenticate(credentials)
        if principal.kind == "guest":
            raise AuthenticationRequired
        owner = held.principal
        if (principal.kind, principal.issuer, principal.subject) != (
            owner.kind,
            owner.issuer,
            owner.subject,
        ):
            raise LeaseRefused(cause="another person's")
        return principal, held

    def _choose(
        self, policy: Policy, principal: Principal, held: Lease | None, order: Order
    ) -> tuple[CompiledProfile, Lease]:
        """The profile, and the lease on a conversation with it: the one held, or a new one."""
        compiled = policy.profiles.get(held.profile if held else order.profile)
        if compiled is None or not compiled.profile.admits(principal):
            if principal.kind == "guest":
                raise AuthenticationRequired
            raise ProfileNotAllowed
        if order.resumption_handle is not None and not compiled.resumable:
            raise InvalidRequest("This profile's conversations cannot be resumed.")
        try:
            options = compiled.profile.resolve(held.options if held else order.options)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        if held is not None:
            return compiled, replace(held, principal=principal, options=options)
        now = self.clock()
        return compiled, Lease(
            id=uuid.uuid4().hex,
            principal=principal,
            profile=compiled.profile.name,
            options=options,
            started_at=now,
            expires_at=now + timedelta(seconds=compiled.profile.max_session),
        )


def _admission(  # noqa: PLR0913, PLR0917 - the facts of one request, and only called above
    policy: Policy,
    compiled: CompiledProfile,
    lease: Lease,
    order: Order,
    address: str,
    request_id: str,
) -> Admission:
    profile, principal, limits = compiled.profile, lease.principal, policy.limits
    renewal = order.unverified_lease is not None
    windows = [quota_keys.renewal_window(lease)] if renewal else []
    handle = order.resumption_handle
    if handle is None:
        # Without Google's handle there is no context to resume: it is a fresh start.
        windows += quota_keys.start_windows(principal, address, profile, limits)
    guest = principal.kind == "guest"
    return Admission(
        request_id=request_id,
        address=address,
        lease=lease,
        model=profile.model,
        renewal=renewal,
        wanted=profile.token_lifetime,
        holder=quota_keys.person(principal, address),
        handle=None if handle is None else quota_keys.key("handle", handle),
        places=limits.concurrent.guest if guest else limits.concurrent.user,
        windows=tuple(windows),
        budgets=quota_keys.budgets(principal, address, profile, limits),
        blocks=quota_keys.blocks(principal, lease),
    )

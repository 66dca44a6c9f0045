"""The main use case: who asks gets a short-lived, locked token, within limits, on the record."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from tokensvc.domain import Admission, Lease
from tokensvc.errors import AuthenticationRequired, InvalidRequest, ProfileNotAllowed, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tokensvc.configuration import LimitTable
    from tokensvc.domain import Credentials, EphemeralToken, Principal, Reservation
    from tokensvc.gemini.compiler import CompiledProfile

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What a caller asks for: a profile by name, and values for its options."""

    profile: str = "default"
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Grant:
    """What a caller gets: the token, the lease, and what the token is held to."""

    token: EphemeralToken
    compiled: CompiledProfile
    options: dict[str, str]
    lease: Lease
    signed_lease: str = field(repr=False)
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


class Minter(Protocol):
    """Creates tokens at Google."""

    def mint(self, compiled: CompiledProfile, options: Mapping[str, str]) -> EphemeralToken:
        """A token, or a Refusal."""
        ...


class LeaseSigner(Protocol):
    """Signs leases."""

    def sign(self, lease: Lease) -> str:
        """The lease as text."""
        ...


@dataclass(frozen=True)
class TokenService:
    """Issues tokens; *clock* gives the time in UTC."""

    authenticator: Authenticator
    profiles: Mapping[str, CompiledProfile]
    limits: LimitTable
    ledger: Ledger
    minter: Minter
    leases: LeaseSigner
    clock: Callable[[], datetime]

    def issue(self, credentials: Credentials, order: Order, request_id: str) -> Grant:
        """Authenticate, choose, admit, mint, settle.

        Raises:
            Refusal: at whichever of the five steps says no; a failed mint is refunded.
        """
        principal = self.authenticator.authenticate(credentials)
        compiled, options = self._choose(principal, order)
        admission = self._admission(principal, compiled, credentials.address, request_id)
        reservation = self.ledger.admit(admission)
        try:
            token = self.minter.mint(compiled, options)
        except Refusal as refusal:
            self.ledger.refund(reservation, admission, refusal.code)
            raise
        self.ledger.grant(reservation, admission, token)
        _log.info("granted %s on %s", reservation.id, compiled.profile.name)
        return self._grant(principal, compiled, options, token)

    def offered(self, credentials: Credentials) -> list[CompiledProfile]:
        """The profiles that this caller may use.

        Raises:
            InvalidToken: for a bad credential.
            AuthenticationRequired: for a caller without one, where nothing is open to guests.
        """
        principal = self.authenticator.authenticate(credentials)
        offered = [c for c in self.profiles.values() if c.profile.admits(principal)]
        if not offered and principal.kind == "guest":
            raise AuthenticationRequired
        return offered

    def _choose(self, principal: Principal, order: Order) -> tuple[CompiledProfile, dict[str, str]]:
        compiled = self.profiles.get(order.profile)
        if compiled is None or not compiled.profile.admits(principal):
            if principal.kind == "guest":
                raise AuthenticationRequired
            raise ProfileNotAllowed
        try:
            return compiled, compiled.profile.resolve(order.options)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None

    def _admission(
        self, principal: Principal, compiled: CompiledProfile, address: str, request_id: str
    ) -> Admission:
        general = self.limits.guest if principal.kind == "guest" else self.limits.user
        return Admission(
            request_id=request_id,
            principal=principal,
            address=address,
            profile=compiled.profile.name,
            model=compiled.profile.model,
            limits=general,
            profile_limits=compiled.profile.limits,
        )

    def _grant(
        self,
        principal: Principal,
        compiled: CompiledProfile,
        options: dict[str, str],
        token: EphemeralToken,
    ) -> Grant:
        now = self.clock()
        lease = Lease(
            id=uuid.uuid4().hex,
            principal=principal,
            profile=compiled.profile.name,
            options=options,
            started_at=now,
            expires_at=now + timedelta(seconds=compiled.profile.max_session),
        )
        return Grant(token, compiled, options, lease, self.leases.sign(lease), now)

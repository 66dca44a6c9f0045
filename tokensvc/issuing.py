"""The main use case: issue a short-lived, locked token, within limits and on record."""

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
    from contextlib import AbstractContextManager
    from datetime import datetime

    from tokensvc.config.file import LimitTable
    from tokensvc.domain import Credentials, EphemeralToken, Principal, Reservation
    from tokensvc.gemini.compiler import CompiledProfile

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """The profiles and limits in force; replaced as a whole when the file changes."""

    profiles: Mapping[str, CompiledProfile]
    limits: LimitTable


@dataclass(frozen=True)
class TokenRequest:
    """What a caller asks for.

    Either a new conversation, by profile name and option values; or a renewal of the one that a
    lease stands for, with Google's handle if there is one. Without a handle, the client may be
    about to *rebuild* the conversation's context itself.
    """

    profile: str = "default"
    options: dict[str, str] = field(default_factory=dict)
    unverified_lease: str | None = field(default=None, repr=False)
    resumption_handle: str | None = field(default=None, repr=False)
    rebuild: bool = False

    @property
    def is_renewal(self) -> bool:
        """Whether this continues a conversation rather than starting one."""
        return self.unverified_lease is not None


@dataclass(frozen=True)
class Grant:
    """What a caller gets: the token, the lease, and the profile that the token is locked to."""

    token: EphemeralToken
    compiled: CompiledProfile
    lease: Lease
    signed_lease: str = field(repr=False)
    reservation: Reservation
    resumption_handle: str | None = field(repr=False)
    at: datetime  # when it was granted


class Authenticator(Protocol):
    """Authenticates callers."""

    def authenticate(self, credentials: Credentials) -> Principal:
        """Return the principal. Raises Refusal if the credentials are not valid."""
        ...


class Ledger(Protocol):
    """Admits requests and keeps the audit."""

    def admit(self, admission: Admission) -> Reservation:
        """Reserve a token. Raises Refusal if a block or a limit forbids it."""
        ...

    def grant(self, reservation: Reservation, token: EphemeralToken) -> None:
        """Record that the token was minted."""
        ...

    def refund(self, reservation: Reservation, code: str) -> None:
        """Undo the reservation's charge, and record why."""
        ...

    def end(self, lease: Lease, request_id: str, address: str) -> None:
        """End a conversation."""
        ...


class Minter(Protocol):
    """Creates tokens at Google."""

    def passage(
        self, compiled: CompiledProfile, lease: Lease, *, renewal: bool
    ) -> AbstractContextManager[Callable[[datetime, str | None, bool], EphemeralToken]]:
        """Hold a ready token or a place among those that may wait. Raises Refusal without either.

        Returns a function that creates a token: until a time, with a resumption handle, and for a
        rebuild or not. It raises Refusal if Google does not give one.
        """
        ...


class LeaseSigner(Protocol):
    """Signs and verifies leases."""

    def sign(self, lease: Lease) -> str:
        """Return the signed lease."""
        ...

    def verify(self, unverified_lease: str) -> Lease:
        """Return the lease. Raises LeaseRefused unless it is one of ours."""
        ...


@dataclass(frozen=True)
class TokenService:
    """Issues tokens; *policy* returns the policy in force, *clock* the time in UTC."""

    authenticator: Authenticator
    policy: Callable[[], Policy]
    ledger: Ledger
    minter: Minter
    leases: LeaseSigner
    clock: Callable[[], datetime]

    def issue(self, credentials: Credentials, asked: TokenRequest, request_id: str) -> Grant:
        """Authenticate the caller, choose the profile, reserve, mint and record a token.

        Raises:
            Refusal: if any of these steps refuses; a failed mint is refunded.
        """
        policy = self.policy()
        principal, held = self._authenticate(credentials, asked)
        compiled, lease = self._choose(policy, principal, held, asked)
        admission = _admission(policy, compiled, lease, asked, credentials.address, request_id)
        with self.minter.passage(compiled, lease, renewal=asked.is_renewal) as mint:
            reservation = self.ledger.admit(admission)
            try:
                token = mint(reservation.expires_at, asked.resumption_handle, asked.rebuild)
            except Refusal as refusal:
                self.ledger.refund(reservation, refusal.code)
                raise
        self.ledger.grant(reservation, token)
        _log.info("token granted reservation=%s profile=%s", reservation.id, lease.profile)
        # A renewal returns the lease that it was sent, which _authenticate has verified.
        signed = asked.unverified_lease or self.leases.sign(lease)
        return Grant(
            token, compiled, lease, signed, reservation, asked.resumption_handle, self.clock()
        )

    def end(self, unverified_lease: str, request_id: str, address: str) -> None:
        """End a conversation, for anyone who holds its lease. Idempotent.

        Raises:
            LeaseRefused: unless the lease is one of ours.
        """
        self.ledger.end(self.leases.verify(unverified_lease), request_id, address)

    def offered(self, credentials: Credentials) -> list[CompiledProfile]:
        """Return the profiles that this caller may use.

        Raises:
            InvalidToken: if the credential is not valid.
            AuthenticationRequired: if there is no credential and no profile is open to guests.
        """
        principal = self.authenticator.authenticate(credentials)
        profiles = self.policy().profiles.values()
        offered = [compiled for compiled in profiles if compiled.profile.admits(principal)]
        if not offered and principal.kind == "guest":
            raise AuthenticationRequired
        return offered

    def _authenticate(
        self, credentials: Credentials, asked: TokenRequest
    ) -> tuple[Principal, Lease | None]:
        """Authenticate the caller; for a renewal, return the conversation's lease as well.

        A user also needs a current credential; a guest or a backend's user needs only the lease.
        """
        if asked.unverified_lease is None:
            return self.authenticator.authenticate(credentials), None
        held = self.leases.verify(asked.unverified_lease)
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
            raise LeaseRefused(cause="belongs to another person")
        return principal, held

    def _choose(
        self, policy: Policy, principal: Principal, held: Lease | None, asked: TokenRequest
    ) -> tuple[CompiledProfile, Lease]:
        """Return the profile and the lease: the one held, or a new one."""
        compiled = policy.profiles.get(held.profile if held else asked.profile)
        if compiled is None or not compiled.profile.admits(principal):
            if principal.kind == "guest":
                raise AuthenticationRequired
            raise ProfileNotAllowed
        if asked.resumption_handle is not None and not compiled.resumable:
            raise InvalidRequest("This profile's conversations cannot be resumed.")
        try:
            options = compiled.profile.resolve(held.options if held else asked.options)
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
    asked: TokenRequest,
    address: str,
    request_id: str,
) -> Admission:
    profile, principal, limits = compiled.profile, lease.principal, policy.limits
    windows = [quota_keys.renewal_window(lease)] if asked.is_renewal else []
    handle = asked.resumption_handle
    if handle is None:
        # Without a handle there is no context to resume: this is a fresh start.
        windows += quota_keys.start_windows(principal, address, profile, limits)
    guest = principal.kind == "guest"
    return Admission(
        request_id=request_id,
        address=address,
        lease=lease,
        model=profile.model,
        renewal=asked.is_renewal,
        wanted=profile.token_lifetime,
        holder=quota_keys.person(principal, address),
        handle=None if handle is None else quota_keys.key("handle", handle),
        places=limits.concurrent.guest if guest else limits.concurrent.user,
        windows=tuple(windows),
        budgets=quota_keys.budgets(principal, address, profile, limits),
        blocks=quota_keys.blocks(principal, lease),
    )

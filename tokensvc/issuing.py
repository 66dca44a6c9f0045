"""The main use case: issue a short-lived, locked token, within limits and on record."""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tokensvc import logs, quota_keys
from tokensvc.authn.chain import LeaseHolders
from tokensvc.config import placeholders
from tokensvc.config.file import LimitTable
from tokensvc.config.placeholders import LONGEST_VALUE
from tokensvc.domain import Admission, Credentials, EphemeralToken, Lease, Principal, Reservation
from tokensvc.errors import AuthenticationRequired, InvalidRequest, ProfileNotAllowed, Refusal, TemporarilyUnavailable
from tokensvc.gemini.compiler import CompiledProfile
from tokensvc.gemini.ready import ReadyTokens
from tokensvc.plain_text import is_plain
from tokensvc.store.ledger import Ledger
from tokensvc.store.usage import Usage

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """The profiles and limits in force; replaced as a whole when the file changes."""

    profiles: Mapping[str, CompiledProfile]
    limits: LimitTable

    def choose(self, principal: Principal, name: str) -> CompiledProfile:
        """Return a profile that *principal* may use.

        Raises:
            AuthenticationRequired, ProfileNotAllowed: also if there is no such profile.
        """
        compiled = self.profiles.get(name)
        if compiled is not None and compiled.profile.admits(principal):
            return compiled
        # Callers are not told which; the log is, but not a name that could be anything.
        cause = f"profile “{name}” is not for this caller" if compiled else "the profile is unknown"
        if principal.kind == "guest":
            raise AuthenticationRequired(cause=cause)
        raise ProfileNotAllowed(cause=cause)


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
    context: dict[str, str] = field(default_factory=dict, repr=False)  # fills the instruction; of a backend
    unverified_usage: object = None  # what the client says of the conversation

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


@dataclass(frozen=True)
class TokenService:
    """Issues tokens; *policy* returns the policy in force, *clock* the time in UTC."""

    holders: LeaseHolders
    policy: Callable[[], Policy]
    ledger: Ledger
    minter: ReadyTokens
    usage: Usage
    clock: Callable[[], datetime]

    def issue(self, credentials: Credentials, asked: TokenRequest, request_id: str) -> Grant:
        """Authenticate the caller, choose the profile, reserve, mint and record a token.

        Raises:
            Refusal: if any of these steps refuses; a failed mint is refunded.
        """
        policy = self.policy()
        if asked.unverified_lease is None:
            held, principal = None, self.holders.authenticator.authenticate(credentials)
        else:
            held = self.holders.authenticate(credentials, asked.unverified_lease)
            principal = held.principal
        logs.note(kind=principal.kind, issuer=principal.issuer, subject=principal.subject)
        compiled, lease = self._choose(policy, principal, held, asked)
        logs.note(profile=lease.profile, lease=lease.id, renewal=asked.is_renewal)
        admission = _admission(policy, compiled, lease, asked, credentials.address, request_id)
        with self.minter.passage(compiled, lease, renewal=asked.is_renewal) as mint:
            with logs.timed("store_ms"):
                reservation = self.ledger.admit(admission)
            logs.note(reservation=reservation.id, seconds=reservation.seconds)
            try:
                with logs.timed("upstream_ms"):
                    token = mint(reservation.expires_at, asked.resumption_handle, asked.rebuild, reservation.context)
            except Refusal as refusal:
                with logs.timed("store_ms"):
                    self.ledger.refund(reservation, refusal.code)
                raise
        with logs.timed("store_ms"):
            self.ledger.grant(reservation, token)
        if asked.unverified_usage is not None:
            self._report(lease, compiled, asked.unverified_usage)
        # A renewal returns the lease that it was sent, which is verified by now.
        signed = asked.unverified_lease or self.holders.leases.sign(lease)
        return Grant(token, compiled, lease, signed, reservation, asked.resumption_handle, self.clock())

    def end(self, unverified_lease: str, request_id: str, address: str, unverified_usage: object = None) -> None:
        """End a conversation, for anyone who holds its lease, and keep what they say of it. Idempotent.

        Raises:
            LeaseRefused: unless the lease is one of ours.
        """
        lease = self.holders.leases.verify(unverified_lease)
        logs.note(lease=lease.id, profile=lease.profile)
        self.ledger.end(lease, request_id, address)
        compiled = self.policy().profiles.get(lease.profile)
        if unverified_usage is not None and compiled is not None:
            self._report(lease, compiled, unverified_usage)

    def _report(self, lease: Lease, compiled: CompiledProfile, unverified: object) -> None:
        """Keep a report; whatever becomes of it, the request is answered."""
        try:
            self.usage.report(lease, compiled.profile.model, unverified)
        except TemporarilyUnavailable as error:
            _log.warning("usage not kept lease=%s cause=%s", lease.id, error.cause)

    def offered(self, credentials: Credentials) -> list[CompiledProfile]:
        """Return the profiles that this caller may use.

        Raises:
            InvalidToken: if the credential is not valid.
            AuthenticationRequired: if there is no credential and no profile is open to guests.
        """
        principal = self.holders.authenticator.authenticate(credentials)
        profiles = self.policy().profiles.values()
        offered = [compiled for compiled in profiles if compiled.profile.admits(principal)]
        if not offered and principal.kind == "guest":
            raise AuthenticationRequired
        return offered

    def _choose(
        self, policy: Policy, principal: Principal, held: Lease | None, asked: TokenRequest
    ) -> tuple[CompiledProfile, Lease]:
        """Return the profile and the lease: the one held, or a new one."""
        compiled = policy.choose(principal, held.profile if held else asked.profile)
        if asked.resumption_handle is not None and not compiled.resumable:
            raise InvalidRequest("This profile's conversations cannot be resumed.")
        try:
            options = compiled.profile.resolve(held.options if held else asked.options)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        if held is not None:
            return compiled, replace(held, options=options)
        _check_context(asked.context, principal, compiled)
        now = self.clock()
        return compiled, Lease(
            id=secrets.token_hex(16),
            principal=principal,
            profile=compiled.profile.name,
            options=options,
            started_at=now,
            expires_at=now + timedelta(seconds=compiled.profile.max_session),
            context=asked.context,
        )


def _check_context(context: Mapping[str, str], principal: Principal, compiled: CompiledProfile) -> None:
    if not context:
        return
    if principal.kind != "key":
        raise InvalidRequest("“context” needs an API key; leave it out otherwise.")
    known = set(placeholders.find(compiled.profile.config, "context"))
    for name, value in context.items():
        if name not in known:
            raise InvalidRequest(
                f"The instruction has no such “${{context.…}}”; it has: {', '.join(sorted(known)) or 'none'}."
            )
        if not is_plain(value, LONGEST_VALUE):
            raise InvalidRequest(f"“context.{name}” must be a string of 1 to {LONGEST_VALUE} plain characters.")


def _admission(  # noqa: PLR0913, PLR0917 - the facts of one request, and only called above
    policy: Policy, compiled: CompiledProfile, lease: Lease, asked: TokenRequest, address: str, request_id: str
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
        connect_within=profile.connect_within,
        holder=quota_keys.person(principal, address),
        handle=None if handle is None else quota_keys.key("handle", handle),
        places=limits.concurrent.guest if guest else limits.concurrent.user,
        records_places=limits.concurrent.mode == "record",
        windows=tuple(windows),
        budgets=quota_keys.budgets(principal, address, profile, limits),
        blocks=quota_keys.blocks(principal, lease),
    )

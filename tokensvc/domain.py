"""The values that pass between the layers, all frozen; a secret never shows in a repr."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

PrincipalKind = Literal["user", "guest", "key"]

SHORTEST_TOKEN = 30  # seconds
READY_FOR = 30  # seconds for which a token that was minted ahead may be handed out
LONGEST_WINDOW = 86400  # seconds; no limit covers more than a day

# The issuers of our own principals; a configured issuer may not use these names.
ACCOUNT_ISSUER = "tokensvc"
GUEST_ISSUER = "guest"
KEY_ISSUER_PREFIX = "key:"  # followed by the key's name


@dataclass(frozen=True)
class Credentials:
    """What a request says about its caller; none of it is checked yet.

    *unverified_bearer* is the text after “Bearer ” or None; *address* is the client's, as text;
    *unverified_on_behalf_of* is the user that a backend claims to act for.
    """

    unverified_bearer: str | None = field(repr=False)
    address: str
    unverified_on_behalf_of: str | None = None


@dataclass(frozen=True)
class Principal:
    """A caller whose credential was checked.

    *issuer* and *subject* together identify a person: one subject at two issuers is two people.
    For kind “key”, the issuer is “key:” plus the key's name, and the subject its backend's user;
    *profiles* lists the only profiles the key may use, or is None if the key does not restrict
    them. *claims* are those that the configuration allows in an instruction.
    """

    kind: PrincipalKind
    issuer: str
    subject: str
    groups: frozenset[str] = frozenset()
    claims: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    profiles: frozenset[str] | None = None


@dataclass(frozen=True)
class Limit:
    """At most *count* grants in any stretch of *seconds*."""

    count: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.count} in {self.seconds} s"


@dataclass(frozen=True)
class Window:
    """Limits on what is counted under *key*; *name* is what callers see."""

    name: str
    key: str
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class Budget:
    """At most *seconds* of granted conversation a day (UTC) under *key*."""

    name: str
    key: str
    seconds: int


@dataclass(frozen=True)
class Lease:
    """The right to continue one conversation, from *started_at* to *expires_at* (UTC)."""

    id: str
    principal: Principal
    profile: str
    options: dict[str, str]
    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Admission:
    """What the ledger is asked to admit and record.

    *holder* is the person or address that may have *places* live conversations (None: any
    number); *blocks* are the keys of every block that would stop this one. *wanted* is the token's
    lifetime in seconds, and *handle* the digest of the handle that a renewal resumes.
    """

    request_id: str
    address: str
    lease: Lease
    model: str
    renewal: bool
    wanted: int
    holder: str
    handle: str | None = None
    places: int | None = None
    windows: tuple[Window, ...] = ()
    budgets: tuple[Budget, ...] = ()
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quota:
    """What a caller has left of *limit*: *remaining* now, and more after *reset* seconds."""

    name: str
    limit: Limit
    remaining: int
    reset: float


@dataclass(frozen=True)
class LeaseState:
    """What is known about a lease's tokens; times are whole microseconds since the epoch.

    *holder* is the address or person that was admitted last. The last token is *token_id*, granted
    at *granted_at* until *token_end*, for the handle whose digest is *handle*. *charged_until* is
    the latest end of all its tokens. *drawn_until* is when the allowance for dropped connections is
    full again; from *fresh_at*, a start without a handle may take over the last token's place.
    """

    holder: str
    token_id: str
    token_end: int
    charged_until: int
    granted_at: int
    handle: str | None
    drawn_until: int
    fresh_at: int


@dataclass(frozen=True)
class Reservation:
    """A token reserved for *admission* in the ledger, before Google is asked for it.

    *expires_at* is the end of the token that may be minted; *seconds* were charged to the budgets.
    *previous* is the state that a refund restores: None for a new lease.
    """

    id: str
    admission: Admission
    at: datetime
    expires_at: datetime
    seconds: int
    previous: LeaseState | None
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True)
class EphemeralToken:
    """A token as Google minted it; *value* is the credential itself, a secret."""

    value: str = field(repr=False)
    expires_at: datetime
    new_session_expires_at: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the token, hex: identifies it in the audit without revealing it."""
        return hashlib.sha256(self.value.encode()).hexdigest()


class EventKind(StrEnum):
    """What an audit event records."""

    RESERVED = "reserved"
    GRANTED = "granted"
    REFUNDED = "refunded"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One line of the audit.

    *seconds* were charged to the budgets, or returned by a refund; *fingerprint* and *expires_at*
    are the granted token's, and *code* the reason for a refund. *id* is assigned by the store.
    """

    id: int | None = None
    at: datetime
    kind: EventKind
    reservation_id: str | None = None
    lease_id: str
    request_id: str
    principal_kind: PrincipalKind
    issuer: str
    subject: str
    address: str
    profile: str
    model: str | None = None
    renewal: bool | None = None
    seconds: int | None = None
    fingerprint: str | None = None
    expires_at: datetime | None = None
    code: str | None = None

    @classmethod
    def of_lease(cls, lease: Lease, **fields: Any) -> AuditEvent:  # noqa: ANN401 - the other fields
        """Return an event about *lease* and its principal, with *fields* for the rest."""
        return cls(
            lease_id=lease.id,
            principal_kind=lease.principal.kind,
            issuer=lease.principal.issuer,
            subject=lease.principal.subject,
            profile=lease.profile,
            **fields,
        )


@dataclass(frozen=True)
class Account:
    """A built-in account; the password is kept only as a salted hash."""

    username: str
    password_hash: str = field(repr=False)
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ApiKey:
    """What may be shown of a backend's key; the key may use any if *profiles* is None."""

    name: str
    created_at: datetime
    profiles: frozenset[str] | None = None


@dataclass(frozen=True)
class Login:
    """A login to *account*, which expires in *expires_in* seconds unless it is refreshed."""

    account: Account
    expires_in: int

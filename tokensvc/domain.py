"""The values that pass between the layers, all frozen; a secret never shows in a repr."""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

PrincipalKind = Literal["user", "guest", "key"]

SHORTEST_TOKEN = 30  # seconds
LONGEST_TOKEN = 20 * 3600  # seconds: Google's limit (ai.google.dev, ephemeral tokens)
READY_FOR = 30  # seconds for which a token that was minted ahead may be handed out
LONGEST_WINDOW = 86400  # seconds; no limit covers more than a day

# The issuers of our own principals; a configured issuer may not use these names.
ACCOUNT_ISSUER = "tokensvc"
GUEST_ISSUER = "guest"
SITE_ISSUER = "site"  # the site that mounts the service
KEY_ISSUER_PREFIX = "key:"  # followed by the key's name


def normal_name(name: str) -> str:
    """Return the form in which names of accounts are compared; it is not stored or shown.

    As RFC 8265, section 3.3, but with NFKC and case folding, which make more names equal.
    """
    for _ in range(0 if name.isascii() else 2):  # each step may undo the other
        name = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", name).lower()


def fingerprint(text: str) -> str:
    """Return the SHA-256 of *text* in hex. It hides a secret of 128 or more random bits, and no password."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


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
class Credentials:
    """What a request says about its caller; but for *signed_in*, none of it is checked yet.

    *unverified_bearer* is the text after “Bearer ” or None; *address* is the client's, as text;
    *unverified_on_behalf_of* is the user that a backend claims to act for. *signed_in* is who is
    signed in to the site that mounts the service, as its own login says.
    """

    unverified_bearer: str | None = field(repr=False)
    address: str
    unverified_on_behalf_of: str | None = None
    signed_in: Principal | None = None


@dataclass(frozen=True)
class Limit:
    """At most *count* grants in any stretch of *seconds*."""

    count: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.count} in {self.seconds} s"


@dataclass(frozen=True)
class Window:
    """Limits on what is counted under *key*; *name* is what callers see.

    If it only *records*, what the limits would refuse is logged, and passes.
    """

    name: str
    key: str
    limits: tuple[Limit, ...]
    records: bool = False


@dataclass(frozen=True)
class Budget:
    """At most *seconds* of granted conversation a day (UTC) under *key*; *records* as in `Window`."""

    name: str
    key: str
    seconds: int
    records: bool = False


@dataclass(frozen=True)
class Lease:
    """The right to continue one conversation, from *started_at* to *expires_at* (UTC).

    *context* are a backend's values for the instruction: only in the store, not in the signed form.
    """

    id: str
    principal: Principal
    profile: str
    options: dict[str, str]
    started_at: datetime
    expires_at: datetime
    context: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Admission:
    """What the ledger is asked to admit and record.

    *holder* is the person or address that may have *places* live conversations (None: any
    number; *records_places* is what *records* is to a `Window`); *blocks* are the keys of every
    block that would stop this one. *wanted* is the token's lifetime and *connect_within* the time
    to open it, in seconds, and *handle* the digest of the handle that a renewal resumes.
    """

    request_id: str
    address: str
    lease: Lease
    model: str
    renewal: bool
    wanted: int
    connect_within: int
    holder: str
    handle: str | None = None
    places: int | None = None
    records_places: bool = False
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
    *previous* is the state that a refund restores: None for a new lease. *context* is the lease's, as it
    is stored.
    """

    id: str
    admission: Admission
    at: datetime
    expires_at: datetime
    seconds: int
    previous: LeaseState | None
    quotas: tuple[Quota, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Attempt:
    """The keys that an attempt was charged to, and when, in microseconds."""

    keys: list[str]
    id: str
    at: int


@dataclass(frozen=True)
class EphemeralToken:
    """A token as Google minted it; *value* is the credential itself, a secret."""

    value: str = field(repr=False)
    expires_at: datetime
    new_session_expires_at: datetime

    @property
    def fingerprint(self) -> str:
        """Identifies the token in the audit without revealing it."""
        return fingerprint(self.value)


class EventKind(StrEnum):
    """What an audit event records."""

    RESERVED = "reserved"
    GRANTED = "granted"
    REFUNDED = "refunded"
    ENDED = "ended"
    ASKED = "asked"
    CALLED = "called"
    RETURNED = "returned"
    ERASED = "erased"


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One line of the audit.

    *seconds* were charged to the budgets, or returned by a refund; *fingerprint* and *expires_at*
    are the granted token's, and *code* the reason for a refund. Of a call of a tool, *reservation_id*
    is the call's, *fingerprint* the SHA-256 of its arguments, which *details* are if they are kept,
    and *code* the tool's name, or when it has returned the outcome. Of an erased person, *details* are
    how much was erased, as JSON. *id* is assigned by the store; a *kind* of a later release is a `str`.
    """

    id: int | None = None
    at: datetime
    kind: EventKind | str
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
    details: str | None = None

    @classmethod
    def of_lease(cls, lease: Lease, **fields: Any) -> Self:  # noqa: ANN401 - the other fields
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
class ToolAdmission:
    """What is asked of the store before a tool runs.

    *call* is the model's id of the call, *key* what makes two calls the same for *same_for* seconds,
    *arguments* their JSON if the audit keeps it. A call that has not returned *timeout* seconds later
    never will. One that *waits* takes effect only once it is confirmed.
    """

    request_id: str
    address: str
    lease: Lease
    call: str
    tool: str
    key: str | None
    same_for: int
    arguments_hash: str
    arguments: str | None
    timeout: int
    pure: bool
    waits: bool
    per_conversation: int | None
    windows: tuple[Window, ...]
    blocks: tuple[str, ...]


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

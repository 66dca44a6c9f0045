"""The values that pass between the floors, all frozen; a secret never shows in a repr."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

PrincipalKind = Literal["user", "guest", "key"]

SHORTEST_TOKEN = 30  # seconds
LONGEST_WINDOW = 86400  # seconds that a limit may cover: a day


@dataclass(frozen=True)
class Credentials:
    """What a request brought along to say who is asking; nothing of it is checked yet.

    *unverified_bearer* is the text after “Bearer ” or None; *address* is the client's, textual;
    *unverified_on_behalf_of* is the user that a backend says it asks for.
    """

    unverified_bearer: str | None = field(repr=False)
    address: str
    unverified_on_behalf_of: str | None = None


@dataclass(frozen=True)
class Principal:
    """Somebody whose credential was checked.

    A person is the pair of *issuer* and *subject*: the same subject of two issuers is two people.
    Of kind “key”, the issuer is “key:” and the key's name, and the subject its backend's user;
    *profiles* are all that the key is good for, None where that is left to the profiles.
    *claims* are those that the configuration lets into an instruction.
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
    """Limits on what is counted under *key*; *name* is what a caller is told of it."""

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
    """The right to go on with one conversation, from *started_at* to *expires_at* (UTC)."""

    id: str
    principal: Principal
    profile: str
    options: dict[str, str]
    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Admission:
    """What the ledger is asked to admit, and to write down.

    *holder* is whose places (*places* of them; None: no limit) live conversations take; *blocks*
    are the keys of every block that would stop this one. *wanted* is a token's life in seconds, and
    *handle* the digest of the handle that a renewal resumes by.
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
    """Where a caller stands with one limit: *remaining* of *limit*, more in *reset* seconds."""

    name: str
    limit: Limit
    remaining: int
    reset: float


@dataclass(frozen=True)
class LeaseState:
    """What is known of a lease's tokens; times are whole microseconds since the epoch.

    *holder* is the address or person that was admitted last. The last token is *token_id*, granted
    at *granted_at* until *token_end*, for the handle whose digest is *handle*. *charged_until* is
    the latest end of all its tokens. *drawn_until* is when the allowance for drops is full again,
    and *fresh_at* when the next fresh start needs no place of its own.
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
    """A token reserved in the ledger before Google is asked.

    *expires_at* is the end of the token that may be minted; *seconds* were charged to the budgets.
    *previous* is what a refund puts back: None for a new lease.
    """

    id: str
    at: datetime
    expires_at: datetime
    seconds: int
    previous: LeaseState | None
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True)
class EphemeralToken:
    """A token as Google minted it; *value* is the credential and a secret."""

    value: str = field(repr=False)
    expires_at: datetime
    new_session_expires_at: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the token, hex: names it in the audit without giving it away."""
        return hashlib.sha256(self.value.encode()).hexdigest()


@dataclass(frozen=True)
class Account:
    """A built-in account; the password is kept only as a salted hash."""

    username: str
    password_hash: str = field(repr=False)
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ApiKey:
    """A backend's key as far as anybody may know it; *profiles* None: good for all that list it."""

    name: str
    created_at: datetime
    profiles: frozenset[str] | None = None


@dataclass(frozen=True)
class Login:
    """Somebody is signed in with *account*, for *expires_in* seconds unless they come back."""

    account: Account
    expires_in: int

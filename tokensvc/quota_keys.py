"""What is counted for whom: the keys of limits, budgets, places and blocks."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from typing import TYPE_CHECKING

from tokensvc.domain import Budget, Limit, Window

if TYPE_CHECKING:
    from tokensvc.config.file import LimitTable
    from tokensvc.config.profiles import Profile
    from tokensvc.domain import Lease, Principal

_RENEWALS = Limit(20, 60)


def key(*parts: str) -> str:
    """A key that is unambiguous whatever its parts hold: no subject can pass for another.

    A digest, because parts are unchecked: people type passwords where the user name goes.
    """
    return hashlib.sha256(_legible(*parts).encode()).hexdigest()


def _legible(*parts: str) -> str:
    return json.dumps(parts, ensure_ascii=False)


def network_of(address: str) -> str:
    """What a limit by address counts: an IPv4 address, or the /64 that one IPv6 customer has."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def person(principal: Principal, address: str) -> str:
    """Who is counted: a guest by its address, since its subject is new with each conversation."""
    if principal.kind == "guest":
        return key("address", network_of(address))
    return key("subject", principal.issuer, principal.subject)


def start_windows(
    principal: Principal, address: str, profile: Profile, limits: LimitTable
) -> tuple[Window, ...]:
    """What a new conversation is charged to.

    The limits of a caller's groups take the place of the general ones; who is in several groups
    is charged to each of them.
    """
    who = person(principal, address)
    if principal.kind == "guest":
        general = [Window("guest", who, limits.guest)]
    else:
        of_groups = [
            Window(group, key("group", group, who), table.user)
            for group, table in sorted(limits.groups.items())
            if group in principal.groups and table.user
        ]
        general = of_groups or [Window("user", who, limits.user)]
    own = [Window(profile.name, key("profile", profile.name, who), profile.limits)]
    return tuple(window for window in general + own if window.limits)


def renewal_window(lease: Lease) -> Window:
    """What a renewal is charged to."""
    return Window("renewal", key("renewal", lease.id), (_RENEWALS,))


def budgets(
    principal: Principal, address: str, profile: Profile, limits: LimitTable
) -> tuple[Budget, ...]:
    """Every budget that a conversation of this caller is charged to."""
    table = limits.budget
    own = table.guest if principal.kind == "guest" else table.user
    named = [
        ("guest" if principal.kind == "guest" else "user", person(principal, address), own),
        ("everyone", key("everyone"), table.everyone),
        (profile.name, key("profile", profile.name), profile.budget),
        *(
            (group, key("group", group), group_table.budget)
            for group, group_table in sorted(limits.groups.items())
            if group in principal.groups
        ),
    ]
    return tuple(Budget(name, k, seconds) for name, k, seconds in named if seconds is not None)


def blocks(principal: Principal, lease: Lease) -> tuple[str, ...]:
    """The key of every block that would stop this caller."""
    return (
        EVERYONE_BLOCK,
        *([GUESTS_BLOCK] if principal.kind == "guest" else []),
        *([issuer_block(principal.issuer)] if principal.kind == "key" else []),
        profile_block(lease.profile),
        subject_block(principal.subject),
        subject_block(principal.subject, principal.issuer),
        lease_block(lease.id),
    )


# The keys of blocks are legible: `tokensvc blocks` shows them.
EVERYONE_BLOCK = _legible("everyone")
GUESTS_BLOCK = _legible("guests")


def profile_block(name: str) -> str:
    """The key of a block of a profile."""
    return _legible("profile", name)


def subject_block(subject: str, issuer: str | None = None) -> str:
    """The key of a block of a person: of one issuer's, or of whoever goes by that subject."""
    return _legible("subject", *([] if issuer is None else [issuer]), subject)


def issuer_block(issuer: str) -> str:
    """The key of a block of every user that a removed API key spoke for."""
    return _legible("issuer", issuer)


def lease_block(lease_id: str) -> str:
    """The key of a block of one conversation."""
    return _legible("lease", lease_id)

"""Builds the keys under which limits, budgets, places and blocks are stored."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from functools import lru_cache
from typing import TYPE_CHECKING

from tokensvc.domain import Budget, Limit, Window

if TYPE_CHECKING:
    from tokensvc.config.file import LimitTable
    from tokensvc.config.profiles import Profile
    from tokensvc.domain import Lease, Principal

_RENEWALS = Limit(20, seconds=60)


@lru_cache(maxsize=1024)
def key(*parts: str) -> str:
    """Return a key for *parts*; different parts never give the same key.

    It is a digest because parts are unchecked: people type passwords into the user name field.
    """
    return hashlib.sha256(_readable_key(*parts).encode()).hexdigest()


def _readable_key(*parts: str) -> str:
    return json.dumps(parts, ensure_ascii=False)


def network_of(address: str) -> str:
    """Return what a limit by address counts: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = ipaddress.ip_address(address.partition("%")[0])  # without the zone of IPv6
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def person(principal: Principal, address: str) -> str:
    """Return the key of a person, or of the network for a guest, whose subject is always new."""
    if principal.kind == "guest":
        return key("address", network_of(address))
    return key("subject", principal.issuer, principal.subject)


def start_windows(
    principal: Principal, address: str, profile: Profile, limits: LimitTable
) -> tuple[Window, ...]:
    """Return the limits that a new conversation is charged to.

    The limits of a caller's groups replace the general ones; those of every group are charged.
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
    """Return the limit that a renewal is charged to."""
    return Window("renewal", key("renewal", lease.id), (_RENEWALS,))


def budgets(
    principal: Principal, address: str, profile: Profile, limits: LimitTable
) -> tuple[Budget, ...]:
    """Return every budget that a conversation of this caller is charged to."""
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
    """Return the key of every block that would stop this caller."""
    return (
        EVERYONE_BLOCK,
        *([GUESTS_BLOCK] if principal.kind == "guest" else []),
        *([issuer_block(principal.issuer)] if principal.kind == "key" else []),
        profile_block(lease.profile),
        subject_block(principal.subject),
        subject_block(principal.subject, principal.issuer),
        lease_block(lease.id),
    )


# The keys of blocks are readable: `tokensvc blocks` shows them.
EVERYONE_BLOCK = _readable_key("everyone")
GUESTS_BLOCK = _readable_key("guests")


def profile_block(name: str) -> str:
    """Return the key of a block on a profile."""
    return _readable_key("profile", name)


def subject_block(subject: str, issuer: str | None = None) -> str:
    """Return the key of a block on *subject*, at one issuer or (None) at every issuer."""
    return _readable_key("subject", *([] if issuer is None else [issuer]), subject)


def issuer_block(issuer: str) -> str:
    """Return the key of a block on all users of a removed API key."""
    return _readable_key("issuer", issuer)


def lease_block(lease_id: str) -> str:
    """Return the key of a block on one conversation."""
    return _readable_key("lease", lease_id)

"""Builds the keys under which limits, budgets, places and blocks are stored."""

import ipaddress
from collections.abc import Callable, Container, Iterable
from functools import lru_cache, partial
from json.encoder import encode_basestring

from tokensvc.config.file import LimitTable
from tokensvc.config.profiles import Profile
from tokensvc.domain import Budget, Lease, Limit, Principal, Window, fingerprint

_RENEWALS = Limit(20, seconds=60)
# Networks of one IPv6 customer, by the length of their prefixes: how much more each may do.
_IPV6 = {64: 1, 56: 4, 48: 16}


def _text(parts: tuple[str, ...]) -> str:
    # As json.dumps would write it, in a tenth of the time.
    return f"[{', '.join(map(encode_basestring, parts))}]"


@lru_cache(maxsize=1024)
def key(*parts: str) -> str:
    """Return a key for *parts*; different parts never give the same key.

    It is a digest because parts are unchecked: people type passwords into the user name field.
    """
    return fingerprint(_text(parts))


def block_key(*words: str) -> str:
    """Return the key of a block, which `tokensvc blocks` shows: a JSON list of what is blocked.

    That is “everyone”, “guests”, “profile” and its name, “lease” and its id, “subject” and the person's (before it the
    issuer, if the block is on one issuer's only), or “issuer” and the one of a removed API key.
    """
    return _text(words)


EVERYONE_BLOCK = block_key("everyone")


def network_of(address: str) -> str:
    """Return what a limit by address counts: an IPv4 address, or the /64 of an IPv6 address."""
    return _networks(address)[0]


@lru_cache(maxsize=1024)
def _networks(address: str) -> tuple[str, ...]:
    """Return the network of *address*, and for IPv6 the wider ones that one customer may have."""
    parsed = ipaddress.ip_address(address.partition("%")[0])  # without the zone of IPv6
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.ipv4_mapped:
        return tuple(str(ipaddress.ip_network((parsed, bits), strict=False)) for bits in _IPV6)
    return (str(getattr(parsed, "ipv4_mapped", None) or parsed),)


def windows_by_network(
    name: str, address: str, limits: tuple[Limit, ...], key_of: Callable[[str], str], *, records: bool = False
) -> list[Window]:
    """Return the window of the network of *address*, and wider ones for wider networks."""
    windows = []
    for network, (bits, factor) in zip(_networks(address), _IPV6.items(), strict=False):
        wider = tuple(Limit(limit.count * factor, limit.seconds) for limit in limits)
        windows.append(Window(name if factor == 1 else f"{name}-{bits}", key_of(network), wider, records))
    return windows


def person(principal: Principal, address: str) -> str:
    """Return the key of a person, or of the network for a guest, whose subject is always new."""
    if principal.kind == "guest":
        return key("address", network_of(address))
    return key("subject", principal.issuer, principal.subject)


def start_windows(principal: Principal, address: str, profile: Profile, limits: LimitTable) -> tuple[Window, ...]:
    """Return the limits that a new conversation is charged to.

    The limits of a caller's groups replace the general ones; those of every group are charged.
    """
    who, recording = person(principal, address), limits.mode == "record"
    if principal.kind == "guest":
        general = windows_by_network("guest", address, limits.guest, partial(key, "address"), records=recording)
    else:
        of_groups = [
            Window(group, key("group", group, who), table.user, table.mode == "record")
            for group, table in sorted(limits.groups.items())
            if group in principal.groups and table.user
        ]
        general = of_groups or [Window("user", who, limits.user, recording)]
    own = [Window(profile.name, key("profile", profile.name, who), profile.limits, profile.limits_mode == "record")]
    return tuple(window for window in general + own if window.limits)


def renewal_window(lease: Lease) -> Window:
    """Return the limit that a renewal is charged to."""
    return Window("renewal", key("renewal", lease.id), (_RENEWALS,))


def budgets(principal: Principal, address: str, profile: Profile, limits: LimitTable) -> tuple[Budget, ...]:
    """Return every budget that a conversation of this caller is charged to."""
    kind, seconds = ("guest", limits.budget.guest) if principal.kind == "guest" else ("user", limits.budget.user)
    shared = shared_budgets([profile], limits, principal.groups)
    if seconds is None:
        return shared
    return Budget(kind, person(principal, address), seconds, limits.budget.mode == "record"), *shared


def shared_budgets(
    profiles: Iterable[Profile], limits: LimitTable, groups: Container[str] | None = None
) -> tuple[Budget, ...]:
    """Return the budgets that many people share: everyone's, those of *profiles*, and those of *groups* or of all."""
    named = [
        ("everyone", key("everyone"), limits.budget.everyone, limits.budget.mode),
        *((profile.name, key("profile", profile.name), profile.budget, profile.limits_mode) for profile in profiles),
        *(
            (group, key("group", group), table.budget, table.mode)
            for group, table in sorted(limits.groups.items())
            if groups is None or group in groups
        ),
    ]
    return tuple(Budget(name, k, seconds, mode == "record") for name, k, seconds, mode in named if seconds is not None)


def blocks(principal: Principal, lease: Lease) -> tuple[str, ...]:
    """Return the key of every block that would stop this caller."""
    return (
        EVERYONE_BLOCK,
        *([block_key("guests")] if principal.kind == "guest" else []),
        *([block_key("issuer", principal.issuer)] if principal.kind == "key" else []),
        block_key("profile", lease.profile),
        block_key("subject", principal.subject),
        block_key("subject", principal.issuer, principal.subject),
        block_key("lease", lease.id),
    )

from datetime import UTC, datetime

import pytest

from tokensvc import quota_keys
from tokensvc.config.file import LimitTable
from tokensvc.config.profiles import Profile
from tokensvc.domain import Lease, Limit, Principal

ALICE = Principal("user", "https://shop.example", "alice")
GUEST = Principal("guest", "guest", "somebody")
PROFILE = Profile.model_validate(
    {"name": "default", "model": "gemini-3.8-live", "allow": ["user"], "budget": "9h/day"}
)


@pytest.fixture(name="lease")
def _lease():
    now = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    return Lease("lease-1", ALICE, "default", {}, now, now)


def windows(principal, **limits):
    table = LimitTable(**limits)
    return {
        w.name: w.limits for w in quota_keys.start_windows(principal, "192.0.2.1", PROFILE, table)
    }


def test_each_issuer_and_subject_pair_has_its_own_key():
    people = [("a", 'b", "c'), ('a", "b', "c"), ("a", "b"), ("b", "b")]
    keys = {quota_keys.person(Principal("user", *names), "192.0.2.1") for names in people}

    assert len(keys) == len(people)


def test_key_reveals_no_part_of_its_input():
    assert "hunter2" not in quota_keys.key("login", "192.0.2.1", "hunter2")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_ipv6_is_counted_by_network_and_ipv4_by_address(address, expected):
    """An IPv6 customer has a whole /64."""
    assert quota_keys.network_of(address) == expected


def test_guests_are_counted_by_network_not_by_name():
    other = Principal("guest", "guest", "somebody else")

    assert quota_keys.person(GUEST, "2001:db8:1:2::1") == quota_keys.person(
        other, "2001:db8:1:2::9"
    )
    assert quota_keys.person(GUEST, "2001:db8:1:2::1") != quota_keys.person(
        GUEST, "2001:db8:1:3::1"
    )


def test_group_limits_replace_the_general_ones_for_members():
    limits = {"user": ["1/minute"], "groups": {"support": {"user": ["60/minute"]}}}
    agent = Principal("user", "i", "bob", frozenset({"support", "unknown"}))

    assert windows(agent, **limits) == {"support": (Limit(60, 60),)}
    assert windows(ALICE, **limits) == {"user": (Limit(1, 60),)}


def test_budgets_include_kind_group_profile_and_everyone():
    limits = LimitTable(
        budget={"user": "1h/day", "guest": "30m/day", "everyone": "200h/day"},
        groups={"support": {"budget": "8h/day"}},
    )
    agent = Principal("user", "i", "bob", frozenset({"support"}))

    def named(principal):
        found = quota_keys.budgets(principal, "192.0.2.1", PROFILE, limits)
        return {budget.name: budget.seconds for budget in found}

    assert named(agent) == {"user": 3600, "everyone": 720_000, "default": 32_400, "support": 28_800}
    assert named(GUEST) == {"guest": 1800, "everyone": 720_000, "default": 32_400}


def test_block_of_a_key_applies_to_its_users_only(lease):
    block = quota_keys.issuer_block("key:backend")

    assert block in quota_keys.blocks(Principal("key", "key:backend", "user-1"), lease)
    assert block not in quota_keys.blocks(ALICE, lease)

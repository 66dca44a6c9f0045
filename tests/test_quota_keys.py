from datetime import UTC, datetime

import pytest

from tokensvc import quota_keys
from tokensvc.config.file import LimitTable
from tokensvc.config.profiles import Profile
from tokensvc.domain import Lease, Limit, Principal

ALICE = Principal("user", "https://shop.example", "alice")
GUEST = Principal("guest", "guest", "somebody")
PROFILE = Profile.model_validate({"name": "default", "model": "gemini-3.8-live", "allow": ["user"], "budget": "9h/day"})


@pytest.fixture(name="lease")
def _lease():
    now = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    return Lease("lease-1", ALICE, "default", {}, now, now)


def windows(principal, **limits):
    table = LimitTable(**limits)
    return {w.name: w.limits for w in quota_keys.start_windows(principal, "192.0.2.1", PROFILE, table)}


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


def test_guest_starts_are_counted_in_wider_ipv6_networks_with_wider_limits():
    """An IPv6 customer may have a /56 or a /48, and so many a /64."""
    table = LimitTable(guest=["4/minute"])

    def start(address):
        windows = quota_keys.start_windows(GUEST, address, PROFILE, table)
        return {window.name: (window.key, window.limits[0].count) for window in windows}

    one, other = start("2001:db8:0:1::1"), start("2001:db8:0:2::1")
    assert [count for _, count in one.values()] == [4, 16, 64]
    assert list(one) == ["guest", "guest-56", "guest-48"]
    assert one["guest"] != other["guest"]
    assert (one["guest-56"], one["guest-48"]) == (other["guest-56"], other["guest-48"])
    assert start("2001:db8:0:100::1")["guest-56"] != one["guest-56"]
    assert start("2001:db8:0:100::1")["guest-48"] == one["guest-48"]
    assert list(start("192.0.2.1")) == list(start("::ffff:192.0.2.1")) == ["guest"]


def test_guests_are_counted_by_network_not_by_name():
    other = Principal("guest", "guest", "somebody else")

    assert quota_keys.person(GUEST, "2001:db8:1:2::1") == quota_keys.person(other, "2001:db8:1:2::9")
    assert quota_keys.person(GUEST, "2001:db8:1:2::1") != quota_keys.person(GUEST, "2001:db8:1:3::1")


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
    block = quota_keys.block_key("issuer", "key:backend")

    assert block in quota_keys.blocks(Principal("key", "key:backend", "user-1"), lease)
    assert block not in quota_keys.blocks(ALICE, lease)


def test_mode_record_applies_to_the_limits_beside_it():
    profile = PROFILE.model_copy(update={"limits": (Limit(1, 60),), "limits_mode": "record"})
    table = LimitTable.model_validate({"budget": {"everyone": "1h/day"}, "groups": {"a": {"budget": "1h/day"}}})
    member = Principal("user", "https://shop.example", "alice", groups=frozenset({"a"}))

    starts = quota_keys.start_windows(member, "192.0.2.1", profile, table)
    budgets = quota_keys.budgets(member, "192.0.2.1", profile, table)
    assert {each.name: each.records for each in starts} == {"user": False, "default": True}
    assert {each.name: each.records for each in budgets} == {"everyone": False, "default": True, "a": False}

    tried = LimitTable.model_validate(
        {
            "mode": "record",
            "budget": {"everyone": "1h/day", "mode": "record"},
            "groups": {"a": {"budget": "1h/day", "mode": "record"}},
        }
    )
    starts = quota_keys.start_windows(GUEST, "2001:db8::1", PROFILE, tried)
    assert {each.records for each in starts} == {True}
    budgets = quota_keys.budgets(member, "192.0.2.1", PROFILE, tried)
    assert {each.name: each.records for each in budgets} == {"everyone": True, "default": False, "a": True}

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from tokensvc.authn.api_keys import make_key
from tokensvc.domain import ApiKey, Principal, fingerprint
from tokensvc.errors import LeaseOver
from tokensvc.store.api_keys import ApiKeys

AT = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


@pytest.fixture(name="keys")
def _keys(engine):
    return ApiKeys(engine)


def test_key_is_found_by_its_fingerprint_until_removed(keys):
    backend = ApiKey("backend", AT)
    assert keys.add(backend, "a" * 64)
    assert keys.find("a" * 64) == backend
    assert keys.find("b" * 64) is None
    assert keys.listed() == [backend]

    assert keys.remove("backend", "key:backend")
    assert not keys.remove("backend", "key:backend")
    assert keys.find("a" * 64) is None
    assert keys.listed() == []


@pytest.mark.parametrize("profiles", [{"sales"}, {"sales", "help.de"}, set()])
def test_key_is_stored_with_its_profiles(keys, profiles):
    """An empty set of profiles means none, not all."""
    keys.add(ApiKey("backend", AT, frozenset(profiles)), "a" * 64)

    assert keys.find("a" * 64).profiles == profiles
    assert keys.listed()[0].profiles == profiles


def test_second_key_of_a_taken_name_is_not_added(keys):
    assert keys.add(ApiKey("backend", AT), "a" * 64)
    assert not keys.add(ApiKey("backend", AT), "b" * 64)
    assert keys.find("b" * 64) is None


def test_removing_a_key_ends_only_its_own_conversations_for_good(keys, ledger, lease, admission):
    """A new key of the same name does not bring them back."""
    leases = {}
    for issuer in ("key:backend", "key:backend2", "https://shop.example"):
        principal = Principal("user", issuer, "alice")
        leases[issuer] = replace(lease(), principal=principal)
        ledger.admit(admission(lease=leases[issuer], renewal=False))
    keys.add(ApiKey("backend", AT), "a" * 64)
    keys.remove("backend", "key:backend")
    keys.add(ApiKey("backend", AT), "b" * 64)

    with pytest.raises(LeaseOver):
        ledger.admit(admission(lease=leases.pop("key:backend")))
    for other in leases.values():
        assert ledger.admit(admission(lease=other))


def test_store_holds_no_part_of_the_key(keys, engine):
    key = make_key()
    keys.add(ApiKey("backend", AT), fingerprint(key))
    with engine.begin() as connection:
        row = str(connection.execute(text("SELECT * FROM api_keys")).one())

    assert key not in row
    assert key[4:20] not in row


def test_lookup_uses_an_index(engine):
    query = "SELECT name FROM api_keys WHERE key_hash = 'a'"
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # PostgreSQL would scan a table this small.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            query = "EXPLAIN " + query
        else:
            query = "EXPLAIN QUERY PLAN " + query
        plan = str(connection.execute(text(query)).all()).lower()

    assert "index" in plan
    assert "seq scan" not in plan
    assert "scan api_keys" not in plan

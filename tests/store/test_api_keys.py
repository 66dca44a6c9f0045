from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from tokensvc.authn.api_keys import make_key
from tokensvc.domain import ApiKey, Principal
from tokensvc.errors import LeaseOver
from tokensvc.signing.fingerprints import fingerprint
from tokensvc.store.api_keys import ApiKeys

AT = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


@pytest.fixture(name="keys")
def _keys(engine):
    return ApiKeys(engine)


def test_a_key(keys):
    """It is found by its fingerprint, until it is removed."""
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
def test_a_key_for_some_profiles(keys, profiles):
    """It comes back with them; for none is not for all."""
    keys.add(ApiKey("backend", AT, frozenset(profiles)), "a" * 64)

    assert keys.find("a" * 64).profiles == profiles
    assert keys.listed()[0].profiles == profiles


def test_a_name_that_is_taken(keys):
    """It stays with the key that has it."""
    assert keys.add(ApiKey("backend", AT), "a" * 64)
    assert not keys.add(ApiKey("backend", AT), "b" * 64)
    assert keys.find("b" * 64) is None


def test_the_conversations_of_a_key(keys, ledger, lease, admission):
    """They end with it, also where another of its name is made at once; others go on."""
    begun = {}
    for issuer in ("key:backend", "key:backend2", "https://shop.example"):
        spoken_for = Principal("user", issuer, "alice")
        begun[issuer] = replace(lease(), principal=spoken_for)
        ledger.admit(admission(lease=begun[issuer], renewal=False))
    keys.add(ApiKey("backend", AT), "a" * 64)
    keys.remove("backend", "key:backend")
    keys.add(ApiKey("backend", AT), "b" * 64)

    with pytest.raises(LeaseOver):
        ledger.admit(admission(lease=begun.pop("key:backend")))
    for other in begun.values():
        assert ledger.admit(admission(lease=other))


def test_what_is_kept(keys, engine):
    """No part of the key: whoever reads the store cannot use it."""
    key = make_key()
    keys.add(ApiKey("backend", AT), fingerprint(key))
    with engine.begin() as connection:
        row = str(connection.execute(text("SELECT * FROM api_keys")).one())

    assert key not in row
    assert key[4:20] not in row


def test_a_look_up(engine):
    """It takes an index, whatever the number of keys."""
    query = "SELECT name FROM api_keys WHERE key_hash = 'a'"
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # A table this small it would rather read whole.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            query = "EXPLAIN " + query
        else:
            query = "EXPLAIN QUERY PLAN " + query
        plan = str(connection.execute(text(query)).all()).lower()

    assert "index" in plan
    assert "seq scan" not in plan
    assert "scan api_keys" not in plan

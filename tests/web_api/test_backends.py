"""A backend fetches tokens for its users, from a real service in front of the emulator."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tokensvc.authn.api_keys import make_key
from tokensvc.domain import ApiKey
from tokensvc.signing.fingerprints import fingerprint
from tokensvc.store.api_keys import ApiKeys
from tokensvc.store.engine import open_engine
from tokensvc.store.schema import events

KEY = make_key()
CONFIGURATION = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["key:backend", "key:narrow"]
[profiles.other]
model = "gemini-3.8-live"
allow = ["key:backend", "key:narrow"]
[limits]
user = ["2/hour"]
"""
NARROW = make_key()


@pytest.fixture(name="service", scope="module")
def _service(start_service, emulator):
    return start_service(CONFIGURATION, emulator.url)


@pytest.fixture(name="engine", scope="module")
def _engine(service):
    engine = open_engine(f"sqlite:///{service.folder / 'data' / 'tokensvc.db'}")
    ApiKeys(engine).add(ApiKey("backend", datetime.now(UTC)), fingerprint(KEY))
    narrow = ApiKey("narrow", datetime.now(UTC), frozenset({"other"}))
    ApiKeys(engine).add(narrow, fingerprint(NARROW))
    yield engine
    engine.dispose()


@pytest.fixture(name="ask")
def _ask(service, engine):  # noqa: ARG001 - the key is in the store
    """Asks for a token for a user, or for the backend itself."""

    def ask(user=None):
        body = {} if user is None else {"on_behalf_of": user}
        return service.post("/token", body, bearer=KEY)

    return ask


def test_limits(ask):
    """They count the backend's users, each apart, and the backend as one more."""
    for user in ("alice", "bob", None):
        assert [ask(user).status for _ in range(3)] == [200, 200, 429]


def test_the_audit(ask, engine):
    """It says which key asked, and for whom."""
    assert ask("carol").status == 200
    with engine.begin() as connection:
        who = connection.execute(
            select(events.c.principal_kind, events.c.issuer, events.c.subject)
            .where(events.c.subject == "carol")
            .distinct()
        ).all()

    assert who == [("key", "key:backend", "carol")]


@pytest.mark.usefixtures("engine")
def test_a_key_for_some_profiles(service):
    """It opens those, sees no others, and its conversations go on."""
    offered = service.get("/profiles", bearer=NARROW).json["profiles"]
    assert [profile["name"] for profile in offered] == ["other"]
    refused = service.post("/token", {"on_behalf_of": "dora"}, bearer=NARROW)
    assert (refused.status, refused.code) == (403, "profile-not-allowed")
    granted = service.post("/token", {"profile": "other", "on_behalf_of": "dora"}, bearer=NARROW)
    assert granted.status == 200
    assert service.post("/token", {"lease": granted.json["lease"]}).status == 200

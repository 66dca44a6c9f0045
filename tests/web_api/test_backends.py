"""A backend requests tokens for its users from a real service in front of the emulator."""

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
RESTRICTED_KEY = make_key()


@pytest.fixture(name="service", scope="module")
def _service(start_service, emulator):
    return start_service(CONFIGURATION, emulator.url)


@pytest.fixture(name="engine", scope="module")
def _engine(service):
    engine = open_engine(f"sqlite:///{service.folder / 'data' / 'tokensvc.db'}")
    ApiKeys(engine).add(ApiKey("backend", datetime.now(UTC)), fingerprint(KEY))
    narrow = ApiKey("narrow", datetime.now(UTC), frozenset({"other"}))
    ApiKeys(engine).add(narrow, fingerprint(RESTRICTED_KEY))
    yield engine
    engine.dispose()


@pytest.fixture(name="request_token")
def _request_token(service, engine):  # noqa: ARG001 - the key is in the store
    """Request a token for a user, or for the backend itself."""

    def request_token(user=None):
        body = {} if user is None else {"on_behalf_of": user}
        return service.post("/token", body, bearer=KEY)

    return request_token


def test_limits_count_each_user_and_the_backend_separately(request_token):
    for user in ("alice", "bob", None):
        assert [request_token(user).status for _ in range(3)] == [200, 200, 429]


def test_audit_records_the_key_and_the_user(request_token, engine):
    assert request_token("carol").status == 200
    with engine.begin() as connection:
        who = connection.execute(
            select(events.c.principal_kind, events.c.issuer, events.c.subject)
            .where(events.c.subject == "carol")
            .distinct()
        ).all()

    assert who == [("key", "key:backend", "carol")]


@pytest.mark.usefixtures("engine")
def test_restricted_key_sees_and_uses_only_its_profiles(service):
    offered = service.get("/profiles", bearer=RESTRICTED_KEY).json["profiles"]
    assert [profile["name"] for profile in offered] == ["other"]
    refused = service.post("/token", {"on_behalf_of": "dora"}, bearer=RESTRICTED_KEY)
    assert (refused.status, refused.code) == (403, "profile-not-allowed")
    granted = service.post("/token", {"profile": "other", "on_behalf_of": "dora"}, bearer=RESTRICTED_KEY)
    assert granted.status == 200
    assert service.post("/token", {"lease": granted.json["lease"]}).status == 200


def test_renewal_without_the_key_names_no_user(request_token, service):
    """Not even the right one: it would have no effect."""
    lease = request_token("carol").json["lease"]
    for user in ("carol", "dave"):
        refused = service.post("/token", {"lease": lease, "on_behalf_of": user})
        assert (refused.status, refused.code) == (400, "invalid-request")
        assert "needs an API key" in refused.json["detail"]
    assert service.post("/token", {"lease": lease, "resumption_handle": "a-handle"}).status == 200

"""A backend fetches tokens for its users, over the real HTTP application and the emulator."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from programs import service_environment
from tokensvc.app import create_app
from tokensvc.authn.api_keys import make_key
from tokensvc.authn.opaque import fingerprint
from tokensvc.store.api_keys import ApiKeys
from tokensvc.store.engine import open_engine
from tokensvc.store.schema import events

KEY = make_key()
CONFIGURATION = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["key:backend"]
[limits]
user = ["2/hour"]
"""


@pytest.fixture(name="engine")
def _engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'data' / 'tokensvc.db'}")
    yield engine
    engine.dispose()


@pytest.fixture(name="ask")
def _ask(tmp_path, engine, emulator):
    """Asks for a token for a user, or for the backend itself."""
    app = create_app(service_environment(tmp_path, CONFIGURATION, emulator.url))
    ApiKeys(engine).add("backend", fingerprint(KEY), datetime.now(UTC))
    client = app.test_client()

    def ask(user=None):
        body = {} if user is None else {"on_behalf_of": user}
        return client.post("/token", json=body, headers={"Authorization": f"Bearer {KEY}"})

    return ask


def test_limits(ask):
    """They count the backend's users, each apart, and the backend as one more."""
    for user in ("alice", "bob", None):
        assert [ask(user).status_code for _ in range(3)] == [200, 200, 429]


def test_the_audit(ask, engine):
    """It says which key asked, and for whom."""
    assert ask("alice").status_code == 200
    with engine.begin() as connection:
        who = connection.execute(
            select(events.c.principal_kind, events.c.issuer, events.c.subject).distinct()
        ).all()

    assert who == [("key", "key:backend", "alice")]

"""T11. An unexpected error in any step reveals nothing of the request, even if its message quotes all of it."""

from __future__ import annotations

import json
import logging
import secrets

import pytest
from flask import Flask

from system.canaries import Canaries
from tokensvc.config.file import Http
from tokensvc.logs import JsonFormatter
from tokensvc.web_api import headers, logins, origins, problems, tokens, tools
from tokensvc.web_api.observing import Observing

CANARIES = Canaries()
for name in ("bearer", "lease", "handle", "user's password", "cookie", "query", "origin", "confirmation", "argument"):
    CANARIES.add(name, secrets.token_urlsafe(24))
BEARER = {"Authorization": f"Bearer {CANARIES['bearer']}"}
OWN = {"Origin": "http://localhost", "Cookie": f"tokensvc-login={CANARIES['cookie']}"}
CALL = {"lease": CANARIES["lease"], "call": "1", "name": "refund", "args": {"number": CANARIES["argument"]}}
REQUESTS = {
    "a token": ("POST", "/token", BEARER, {}),
    "a renewal": ("POST", "/token", BEARER, {"lease": CANARIES["lease"], "resumption_handle": CANARIES["handle"]}),
    "an end": ("POST", "/lease/end", {}, {"lease": CANARIES["lease"]}),
    "a call": ("POST", "/tool", BEARER, CALL),
    "a confirmation": (
        "POST",
        "/tool/confirm",
        BEARER,
        CALL | {"confirmation": CANARIES["confirmation"], "accept": True},
    ),
    "a cancellation": ("POST", "/tool/cancel", BEARER, {"lease": CANARIES["lease"], "call": "1"}),
    "the keys": ("GET", "/.well-known/jwks.json", {}, None),
    "profiles": ("GET", "/profiles", BEARER, None),
    "a sign-in": ("POST", "/login", OWN, {"username": "ada", "password": CANARIES["user's password"]}),
    "a refresh": ("POST", "/login/refresh", OWN, {}),
    "a sign-out": ("POST", "/login/end", OWN, {}),
}


class Failing:
    """A service, each of whose steps fails with an error that quotes every secret, and has another as its cause."""

    def fail(self, *_: object, **__: object) -> None:
        try:
            {}[json.dumps(CANARIES.secrets)]
        except KeyError as error:
            raise ValueError(json.dumps(CANARIES.secrets)) from error

    issue = end = offered = sign_in = refresh = sign_out = call = confirm = cancel = key_set = fail


@pytest.fixture(name="client", scope="module")
def _client():
    app = Flask(__name__)
    problems.install(app)
    origins.install(app, Http())
    headers.install(app, Http())
    app.register_blueprint(tokens.blueprint(Failing()))
    app.register_blueprint(tools.blueprint(Failing(), Failing()))
    app.register_blueprint(logins.blueprint(Failing(), Http()))
    app.wsgi_app = Observing(tokens.TokenEndpoint(app.wsgi_app, Failing(), Http(), "ws://localhost"), None)
    return app.test_client()


@pytest.mark.parametrize("asked", REQUESTS)
def test_failed_step_reveals_no_secret(client, caplog, asked):
    method, path, sent, body = REQUESTS[asked]
    address = f"{path}?key={CANARIES['query']}"
    with caplog.at_level(logging.DEBUG):
        answer = client.open(address, method=method, headers={"Host": "localhost", **sent}, json=body)
    assert (answer.status_code, answer.json["code"]) == (500, "internal-error")
    log = "\n".join(map(JsonFormatter().format, caplog.records))
    assert "KeyError" in log
    assert "ValueError" in log
    assert "test_failures.py" in log
    assert CANARIES.found_in(log.encode() + answer.data + str(answer.headers).encode()) == {}

"""The service that attacks are sent to: the real HTTP application, which trusts attack issuers."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.attack_kit import AUDIENCE, CANARY
from programs import service_environment
from tokensvc.app import create_app
from tokensvc.store.engine import open_or_create

CONFIGURATION = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
"""


def attacked_service(folder, modes, jwks_url=None):
    """Return a client of a service that trusts the issuers *modes*; one may publish its keys."""
    configuration, added = CONFIGURATION, {}
    for mode in modes:
        if mode.name == "jwks":
            source = f'jwks_url = "{jwks_url}"'
        elif mode.name == "secret":
            source = 'secret_env = "SITE_SECRET"'
            added["SITE_SECRET"] = mode.key.decode()
        else:
            public = mode.key.public_key()
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            (folder / f"{mode.name}.pem").write_bytes(pem)
            source = f'public_key_file = "{mode.name}.pem"'
        configuration += f"""
[[issuers]]
name = "{mode.name}"
issuer = "{mode.issuer}"
audience = "{AUDIENCE}"
algorithms = ["{mode.algorithm}"]
{source}
"""
    environment = service_environment(folder, configuration, "http://127.0.0.1:9", **added)
    open_or_create(f"sqlite:///{folder / 'data' / 'tokensvc.db'}").dispose()
    return create_app(environment).test_client()


def send(client, bearer, path="/profiles"):
    # WSGI servers pass header bytes on as Latin-1 (PEP 3333).
    raw = f"Bearer {bearer}".encode().decode("latin-1")
    method = "POST" if path == "/token" else "GET"
    return client.open(path, method=method, environ_overrides={"HTTP_AUTHORIZATION": raw})


def assert_refused(answer, token):
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (401, "invalid-token")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="token", error="invalid_')
    assert answer.headers["Cache-Control"] == "no-store"
    assert CANARY not in answer.text
    assert len(token) < 8 or token not in answer.text

"""Runs the attack table against the real HTTP application, with an issuer of each key mode."""

from __future__ import annotations

import itertools
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.attack_kit import AUDIENCE, CANARY, Mode, new_key
from authn.attacks import ATTACKS
from authn.provider_for_tests import jwk, provider
from authn.removed_checks import EmptyApiKeyStore, remove
from programs import service_environment
from tokensvc.app import create_app
from tokensvc.authn.api_keys import ApiKeyAuthenticator
from tokensvc.authn.chain import AuthenticatorChain
from tokensvc.authn.guests import GuestAuthenticator
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator, TrustedIssuer
from tokensvc.authn.site_jwt.keys import ListedKeys
from tokensvc.domain import Credentials
from tokensvc.errors import Refusal
from tokensvc.store.engine import open_or_create

MODES = {
    "secret": "HS256",
    "rsa": "RS256",
    "curve": "ES256",
    "edwards": "EdDSA",
    "jwks": "RS256",
}
# Published beside the provider's key, with valid signatures, but not fit to verify tokens.
UNFIT_KEYS = {
    "weak": (1024, {}),
    "for-encryption": (2048, {"use": "enc"}),
    "for-key-wrapping": (2048, {"key_ops": ["wrapKey"]}),
    "for-another-algorithm": (2048, {"alg": "RS384"}),
    "for-a-secret": (2048, {"alg": "HS256"}),
    "with-its-private-half": (2048, {"d": "AAAA"}),
}
CONFIGURATION = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
"""


@pytest.fixture(name="modes", scope="module")
def _modes():
    """An issuer of each mode, whose tokens are valid now."""
    now = int(time.time())
    return {name: Mode(name, kind, new_key(kind), now) for name, kind in MODES.items()}


@pytest.fixture(name="unfit_keys", scope="module")
def _unfit_keys():
    return {kid: rsa.generate_private_key(65537, size) for kid, (size, _) in UNFIT_KEYS.items()}


@pytest.fixture(name="serving", scope="module")
def _serving(modes, unfit_keys):
    """The provider of the issuer that uses a key set."""
    members = [jwk(key, kid, **UNFIT_KEYS[kid][1]) for kid, key in unfit_keys.items()]
    with provider(jwk(modes["jwks"].key, modes["jwks"].kid), *members) as serving:
        yield serving


@pytest.fixture(name="client", scope="module")
def _client(modes, serving, tmp_path_factory):
    """The application with all five issuers."""
    folder = tmp_path_factory.mktemp("attacked")
    configuration = CONFIGURATION
    for mode in modes.values():
        if mode.name == "jwks":
            source = f'jwks_url = "{serving.url}"'
        elif mode.name == "secret":
            source = 'secret_env = "SITE_SECRET"'
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
    secret = "s" + modes["secret"].key.hex()
    object.__setattr__(modes["secret"], "key", secret.encode())
    environment = service_environment(
        folder, configuration, "http://127.0.0.1:9", SITE_SECRET=secret
    )
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


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_is_refused_and_valid_token_still_accepted(client, modes, name, attack):
    mode = modes[name]
    token = attack.make(mode)

    assert send(client, mode.good).status_code == 200
    assert_refused(send(client, token), token)
    assert_refused(send(client, token, "/token"), token)
    assert send(client, mode.good).status_code == 200


PAIRS = list(itertools.permutations(MODES, 2))
CONFUSIONS = {
    "with another issuer's header and key": lambda ours, theirs: ours.sign(
        theirs.header(), key=theirs.key, algorithm=theirs.algorithm
    ),
    "with another issuer's key": lambda ours, theirs: ours.sign(
        key=theirs.key, algorithm=theirs.algorithm
    ),
    "with another issuer's kid and key": lambda ours, theirs: ours.sign(
        ours.header(kid=theirs.kid), key=theirs.key, algorithm=theirs.algorithm
    ),
    "claiming another issuer": lambda ours, theirs: ours.sign(
        claims=ours.claims(iss=theirs.issuer)
    ),
    "claiming another issuer with its header": lambda ours, theirs: ours.sign(
        theirs.header(), ours.claims(iss=theirs.issuer)
    ),
    "claiming another issuer by HMAC with its public key": lambda ours, theirs: ours.sign(
        ours.header(alg="HS256"),
        ours.claims(iss=theirs.issuer),
        key=theirs.public_texts[-1],
        algorithm="HS256",
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda name: name)
@pytest.mark.parametrize("confusion", CONFUSIONS.values(), ids=CONFUSIONS)
def test_token_mixing_two_issuers_is_refused(client, modes, ours, theirs, confusion):
    token = confusion(modes[ours], modes[theirs])

    assert_refused(send(client, token), token)
    assert send(client, modes[ours].good).status_code == 200
    assert send(client, modes[theirs].good).status_code == 200


@pytest.mark.parametrize("kid", UNFIT_KEYS)
def test_token_signed_by_a_published_but_unfit_key_is_refused(client, modes, unfit_keys, kid):
    mode = modes["jwks"]
    token = mode.sign(mode.header(kid=kid), key=unfit_keys[kid])

    assert_refused(send(client, token), token)


@pytest.mark.parametrize("kid", [None, "other", "JWKS-1", "jwks-1 ", "*", "0", "../jwks-1"])
def test_missing_or_unknown_kid_is_refused_without_a_fetch(client, modes, serving, kid):
    mode = modes["jwks"]
    header = {n: v for n, v in mode.header(kid=kid).items() if v is not None}
    asked = serving.asked

    assert_refused(send(client, mode.sign(header)), "")
    assert serving.asked == asked
    assert send(client, mode.good).status_code == 200


NOT_BEARER = {
    "no scheme": lambda token: token,
    "Basic": lambda token: f"Basic {token}",
    "Token": lambda token: f"Token {token}",
    "DPoP": lambda token: f"DPoP {token}",
    "no token": lambda _: "Bearer ",
    "two tokens": lambda token: f"Bearer {token}, Bearer {token}",
    "two words": lambda token: f"Bearer {token} {token}",
    "a repeated scheme": lambda token: f"Bearer Bearer {token}",
    "a colon": lambda token: f"Bearer: {token}",
    "quotes": lambda token: f'Bearer "{token}"',
    "an empty header": lambda _: "",
}


@pytest.mark.parametrize("malform", NOT_BEARER.values(), ids=NOT_BEARER)
def test_malformed_authorization_header_is_refused_not_treated_as_guest(client, modes, malform):
    header = malform(modes["curve"].sign())

    for scheme in ("Bearer", "bearer", "BEARER"):
        good = {"Authorization": f"{scheme} {modes['curve'].sign()}"}
        assert client.get("/profiles", headers=good).status_code == 200
    assert client.get("/profiles", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_succeeds_only_without_all_of_its_checks(monkeypatch, modes, attack):
    mode = modes["rsa"]
    token = attack.make(mode)

    assert not is_accepted(monkeypatch, token, (), mode)
    assert is_accepted(monkeypatch, token, attack.stopped_by, mode)
    for check in attack.stopped_by:
        others = [name for name in attack.stopped_by if name != check]
        assert not is_accepted(monkeypatch, token, others, mode), check


def is_accepted(monkeypatch, token, removed, mode):
    """Return whether the service without these checks accepts the token.

    It may then fail with a TypeError or KeyError later on, which counts as acceptance.
    """
    keys = ListedKeys((mode.key.public_key(),))
    issuer = TrustedIssuer(mode.issuer, AUDIENCE, (mode.algorithm,), keys)
    with monkeypatch.context() as patch:
        remove(patch, removed, mode)
        chain = AuthenticatorChain(
            [
                SiteJwtAuthenticator([issuer], lambda: mode.now),
                ApiKeyAuthenticator(EmptyApiKeyStore()),
                GuestAuthenticator(),
            ]
        )
        try:
            chain.authenticate(Credentials(token, "192.0.2.1"))
        except Refusal:
            return False
        except (TypeError, KeyError):
            return True
    return True


def test_table_has_at_least_150_attacks_of_unique_names():
    assert len(ATTACKS) >= 150
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)

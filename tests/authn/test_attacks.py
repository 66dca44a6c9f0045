"""The attack table over the real HTTP application: five key modes, all five issuers at once."""

from __future__ import annotations

import itertools
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.attack_kit import AUDIENCE, CANARY, Mode, new_key
from authn.attacks import ATTACKS
from authn.provider_for_tests import jwk, provider
from authn.removed_checks import NoKeys, remove
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
# Signed well by what the provider publishes beside its keys, and by what it does not.
UNPUBLISHED = {
    "weak": (1024, {}),
    "encrypting": (2048, {"use": "enc"}),
    "wrapping": (2048, {"key_ops": ["wrapKey"]}),
    "for-another-algorithm": (2048, {"alg": "RS384"}),
    "for-a-secret": (2048, {"alg": "HS256"}),
    "in-a-leak": (2048, {"d": "AAAA"}),
}
CONFIGURATION = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
"""


@pytest.fixture(name="modes", scope="module")
def _modes():
    """An issuer of each mode, whose tokens are of now."""
    now = int(time.time())
    return {name: Mode(name, kind, new_key(kind), now) for name, kind in MODES.items()}


@pytest.fixture(name="unpublished", scope="module")
def _unpublished():
    return {kid: rsa.generate_private_key(65537, size) for kid, (size, _) in UNPUBLISHED.items()}


@pytest.fixture(name="serving", scope="module")
def _serving(modes, unpublished):
    """The provider of the one issuer that has a key set."""
    unfit = [jwk(key, kid, **UNPUBLISHED[kid][1]) for kid, key in unpublished.items()]
    with provider(jwk(modes["jwks"].key, modes["jwks"].kid), *unfit) as serving:
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


def ask(client, bearer, path="/profiles"):
    # The header as the server hands it on: bytes as Latin-1 (PEP 3333).
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
def test_an_attack(client, modes, name, attack):
    """It is refused, to mint and to look, and a good token is good before and after."""
    mode = modes[name]
    token = attack.make(mode)

    assert ask(client, mode.good).status_code == 200
    assert_refused(ask(client, token), token)
    assert_refused(ask(client, token, "/token"), token)
    assert ask(client, mode.good).status_code == 200


PAIRS = list(itertools.permutations(MODES, 2))
CONFUSIONS = {
    "signed as another issuer signs": lambda ours, theirs: ours.sign(
        theirs.header(), key=theirs.key, algorithm=theirs.algorithm
    ),
    "signed by another issuer under our header": lambda ours, theirs: ours.sign(
        key=theirs.key, algorithm=theirs.algorithm
    ),
    "naming another issuer's key": lambda ours, theirs: ours.sign(
        ours.header(kid=theirs.kid), key=theirs.key, algorithm=theirs.algorithm
    ),
    "of ours in another issuer's name": lambda ours, theirs: ours.sign(
        claims=ours.claims(iss=theirs.issuer)
    ),
    "of ours in another issuer's name and header": lambda ours, theirs: ours.sign(
        theirs.header(), ours.claims(iss=theirs.issuer)
    ),
    "by the other's public key as a secret": lambda ours, theirs: ours.sign(
        ours.header(alg="HS256"),
        ours.claims(iss=theirs.issuer),
        key=theirs.public_texts[-1],
        algorithm="HS256",
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda name: name)
@pytest.mark.parametrize("confusion", CONFUSIONS.values(), ids=CONFUSIONS)
def test_two_issuers(client, modes, ours, theirs, confusion):
    """Each is believed by its own key and algorithm, whatever the other knows."""
    token = confusion(modes[ours], modes[theirs])

    assert_refused(ask(client, token), token)
    assert ask(client, modes[ours].good).status_code == 200
    assert ask(client, modes[theirs].good).status_code == 200


@pytest.mark.parametrize("kid", UNPUBLISHED)
def test_a_key_that_is_published_and_unfit(client, modes, unpublished, kid):
    """What it signs is refused, though the signature is good and the provider lists the key."""
    mode = modes["jwks"]
    token = mode.sign(mode.header(kid=kid), key=unpublished[kid])

    assert_refused(ask(client, token), token)


@pytest.mark.parametrize("kid", [None, "other", "JWKS-1", "jwks-1 ", "*", "0", "../jwks-1"])
def test_another_key_name(client, modes, serving, kid):
    """A key set is asked by the exact name; a made-up one sends nobody to the provider."""
    mode = modes["jwks"]
    header = {n: v for n, v in mode.header(kid=kid).items() if v is not None}
    asked = serving.asked

    assert_refused(ask(client, mode.sign(header)), "")
    assert serving.asked == asked
    assert ask(client, mode.good).status_code == 200


NOT_BEARER = {
    "no scheme": lambda token: token,
    "Basic": lambda token: f"Basic {token}",
    "Token": lambda token: f"Token {token}",
    "DPoP": lambda token: f"DPoP {token}",
    "nothing after the scheme": lambda _: "Bearer ",
    "two tokens": lambda token: f"Bearer {token}, Bearer {token}",
    "two words": lambda token: f"Bearer {token} {token}",
    "the scheme twice": lambda token: f"Bearer Bearer {token}",
    "a colon": lambda token: f"Bearer: {token}",
    "quotes": lambda token: f'Bearer "{token}"',
    "an empty header": lambda _: "",
}


@pytest.mark.parametrize("written", NOT_BEARER.values(), ids=NOT_BEARER)
def test_an_authorization_header_with(client, modes, written):
    """One Bearer credential, or it is refused: nobody with a bad one becomes a guest."""
    header = written(modes["curve"].sign())

    for scheme in ("Bearer", "bearer", "BEARER"):
        good = {"Authorization": f"{scheme} {modes['curve'].sign()}"}
        assert client.get("/profiles", headers=good).status_code == 200
    assert client.get("/profiles", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_what_holds(monkeypatch, modes, attack):
    """Without the checks that an attack names it gets past; with any one of them it does not."""
    mode = modes["rsa"]
    token = attack.make(mode)

    assert not gets_past(monkeypatch, token, (), mode)
    assert gets_past(monkeypatch, token, attack.held_by, mode)
    for check in attack.held_by:
        others = [name for name in attack.held_by if name != check]
        assert not gets_past(monkeypatch, token, others, mode), check


def gets_past(monkeypatch, token, removed, mode):
    """Whether nobody refuses it; a fault of a service so maimed is no refusal."""
    keys = ListedKeys((mode.key.public_key(),))
    issuer = TrustedIssuer(mode.issuer, AUDIENCE, (mode.algorithm,), keys)
    with monkeypatch.context() as patch:
        remove(patch, removed, mode)
        chain = AuthenticatorChain(
            [
                SiteJwtAuthenticator([issuer], lambda: mode.now),
                ApiKeyAuthenticator(NoKeys()),
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


def test_the_count():
    """There are as many as were promised, and no two of one name."""
    assert len(ATTACKS) >= 150
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)

"""Runs the attack table against the real HTTP application, with an issuer of each key mode."""

from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from authn.attack_kit import MODES, Mode, certificate, new_key, public
from authn.attacked_service import assert_refused, attacked_service, send
from authn.attacks import ATTACKS
from authn.provider_for_tests import jwk, provider
from system.upstream import Trap

# Published beside the provider's key, with valid signatures, but not fit to verify tokens.
UNFIT_KEYS = {
    "weak": (1024, {}),
    "for-encryption": (2048, {"use": "enc"}),
    "for-key-wrapping": (2048, {"key_ops": ["wrapKey"]}),
    "for-another-algorithm": (2048, {"alg": "RS384"}),
    "for-a-secret": (2048, {"alg": "HS256"}),
    "with-its-private-half": (2048, {"d": "AAAA"}),
}


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
    return attacked_service(tmp_path_factory.mktemp("attacked"), modes.values(), serving.url)


@pytest.mark.parametrize(
    ("attack", "name"),
    [pytest.param(attack, name, id=f"{attack.name}, {name}") for attack in ATTACKS for name in attack.modes],
)
def test_attack_is_refused_and_valid_token_still_accepted(client, modes, attack, name):
    mode = modes[name]
    token = attack.make(mode)

    assert send(client, mode.good).status_code == 200
    assert_refused(send(client, token), token)
    assert_refused(send(client, token, "/token"), token)
    assert send(client, mode.good).status_code == 200


# Pairs of each kind, in both directions, and every mode on either side: with the same algorithm,
# of a secret and a public key, and of two public keys.
PAIRS = [
    pair
    for one, other in (("rsa", "jwks"), ("secret", "rsa"), ("curve", "edwards"))
    for pair in ((one, other), (other, one))
]
CONFUSIONS = {
    "with another issuer's header and key": lambda ours, theirs: ours.sign(
        theirs.header(), key=theirs.key, algorithm=theirs.algorithm
    ),
    "with another issuer's key": lambda ours, theirs: ours.sign(key=theirs.key, algorithm=theirs.algorithm),
    "with another issuer's kid and key": lambda ours, theirs: ours.sign(
        ours.header(kid=theirs.kid), key=theirs.key, algorithm=theirs.algorithm
    ),
    "claiming another issuer": lambda ours, theirs: ours.sign(claims=ours.claims(iss=theirs.issuer)),
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
    assert send(client, mode.good).status_code == 200  # the keys are there
    asked = serving.asked

    assert_refused(send(client, mode.sign(header)), "")
    assert serving.asked == asked
    assert send(client, mode.good).status_code == 200


# Where a header may say that its key is.
NAMING = {
    "nothing": lambda _key, _url: {},
    "jku": lambda _key, url: {"jku": url},
    "x5u": lambda _key, url: {"x5u": url},
    "x5c": lambda _key, url: {"x5c": [certificate(url)]},
    "jwk": lambda key, url: {"jwk": {**public(key), "x5u": url}},
}


@pytest.fixture(name="trap")
def _trap():
    with Trap() as trap:
        yield trap


@pytest.mark.parametrize("name", ["secret", "rsa", "jwks"])
@pytest.mark.parametrize("naming", NAMING)
def test_service_connects_to_no_address_that_a_token_names(client, modes, trap, naming, name):
    """Be it valid, signed with a key that its header offers, or of an issuer whose name is that address."""
    mode, address = modes[name], f"{trap.url}/keys.json"
    header = mode.header(**NAMING[naming](mode.other_key, address))
    forged = mode.sign(header, key=mode.other_key)
    strangers = mode.sign(header, mode.claims(iss=trap.url), key=mode.other_key)

    assert send(client, mode.sign(header)).status_code == 200
    assert_refused(send(client, forged), forged)
    assert_refused(send(client, strangers), strangers)
    assert trap.connections == []


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


def test_table_has_at_least_150_attacks_of_unique_names():
    assert len(ATTACKS) >= 150
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)

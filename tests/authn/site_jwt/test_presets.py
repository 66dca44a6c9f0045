"""Checks which of each provider's tokens, all signed with the same key, give a person access."""

from dataclasses import replace
from typing import get_args

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.tokens_for_tests import NOW, private_key
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.issuers import trust
from tokensvc.authn.site_jwt.presets import PRESETS as KNOWN_PRESETS
from tokensvc.config.egress import Egress
from tokensvc.config.environment import Paths
from tokensvc.config.file import Issuer, PresetName
from tokensvc.domain import Credentials
from tokensvc.errors import ConfigurationError, ExpiredToken, InvalidToken

TENANT = "11111111-2222-3333-4444-555555555555"
POOL = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123"

# The configuration of each provider, then the claims of a person's access token from it.
CONFIGURED = {
    "auth0": {"issuer": "https://example.eu.auth0.com/", "audience": "https://api.example"},
    "clerk": {"issuer": "https://clerk.example.com", "clients": ["https://www.example.com"]},
    "firebase": {"issuer": "https://securetoken.google.com/example-project"},
    "supabase": {"issuer": "https://abcdefgh.supabase.co/auth/v1"},
    "cognito": {"issuer": POOL, "clients": ["1h57kf5cpq17m0eml12EXAMPLE"]},
    "keycloak": {
        "issuer": "https://sso.example.com/realms/shop",
        "audience": "tokens",
        "clients": ["shop-page"],
    },
    "entra": {
        "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "audience": "22222222-3333-4444-5555-666666666666",
    },
}
PERSON = {
    "auth0": {
        "sub": "auth0|507f1f77bcf86cd799439011",
        "aud": ["https://api.example", "https://example.eu.auth0.com/userinfo"],
        "azp": "my_client_id",
        "scope": "openid profile",
        "permissions": ["talk", "support"],
    },
    "clerk": {"sub": "user_2abc", "azp": "https://www.example.com", "sid": "sess_2abc", "v": 2},
    "firebase": {
        "sub": "AbCdEf0123456789AbCdEf012345",
        "aud": "example-project",
        "user_id": "AbCdEf0123456789AbCdEf012345",
        "auth_time": int(NOW) - 3000,
        "firebase": {"identities": {}, "sign_in_provider": "password"},
    },
    "supabase": {
        "sub": "8ccaa7af-909f-44e7-84cb-67cdccb56be6",
        "aud": "authenticated",
        "role": "authenticated",
        "is_anonymous": False,
        "session_id": "1",
    },
    "cognito": {
        "sub": "aaaaaaaa-bbbb-cccc-dddd-example",
        "token_use": "access",
        "client_id": "1h57kf5cpq17m0eml12EXAMPLE",
        "cognito:groups": ["support"],
        "scope": "openid",
    },
    "keycloak": {
        "sub": "f:1:alice",
        "aud": ["tokens", "account"],
        "typ": "Bearer",
        "azp": "shop-page",
        "realm_access": {"roles": ["support", "offline_access"]},
    },
    "entra": {
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "aud": "22222222-3333-4444-5555-666666666666",
        "tid": TENANT,
        "ver": "2.0",
        "scp": "talk",
        "azp": "99999999-3333-4444-5555-666666666666",
        "roles": ["support"],
    },
}
FIREBASE_KEYS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
PRESETS = list(get_args(PresetName))
ABSENT = object()

# Other tokens that the provider signs, and whether the preset's own or the standard checks stop it.
PRESET, STANDARD = "the preset", "the standard"
OTHER_TOKENS = [
    ("auth0", "an ID token", {"aud": "my_client_id"}, STANDARD),
    ("auth0", "of another API", {"aud": ["https://other.example"]}, STANDARD),
    ("auth0", "for userinfo alone", {"aud": "https://example.eu.auth0.com/userinfo"}, STANDARD),
    ("auth0", "a machine's by grant type", {"gty": "client-credentials"}, PRESET),
    ("auth0", "a machine's by subject", {"sub": "my_client_id@clients"}, PRESET),
    ("clerk", "of another site", {"azp": "https://evil.example"}, PRESET),
    ("clerk", "without a site", {"azp": ABSENT}, PRESET),
    ("clerk", "with a list of sites", {"azp": ["https://www.example.com"]}, PRESET),
    ("clerk", "of a pending session", {"sts": "pending"}, PRESET),
    ("clerk", "of a template for another service", {"aud": "convex"}, STANDARD),
    ("firebase", "of another project", {"aud": "other-project"}, STANDARD),
    ("firebase", "without a sign-in time", {"auth_time": ABSENT}, PRESET),
    ("firebase", "with a sign-in time of tomorrow", {"auth_time": int(NOW) + 86400}, PRESET),
    ("firebase", "with a string as sign-in time", {"auth_time": "1"}, PRESET),
    ("firebase", "with true as sign-in time", {"auth_time": True}, PRESET),
    ("firebase", "with zero as sign-in time", {"auth_time": 0}, PRESET),
    ("firebase", "with an empty user id", {"sub": ""}, STANDARD),
    ("firebase", "with a long user id", {"sub": "a" * 129}, PRESET),
    ("firebase", "anonymous", {"firebase": {"sign_in_provider": "anonymous"}}, PRESET),
    ("supabase", "the anon key", {"role": "anon"}, PRESET),
    ("supabase", "the service_role key", {"role": "service_role"}, PRESET),
    ("supabase", "an administrator's key", {"role": "supabase_admin"}, PRESET),
    ("supabase", "without a role", {"role": ABSENT}, PRESET),
    ("supabase", "with a list of roles", {"role": ["authenticated"]}, PRESET),
    ("supabase", "without an audience", {"aud": ABSENT}, STANDARD),
    ("supabase", "anonymous", {"is_anonymous": True}, PRESET),
    ("supabase", "anonymous by a string", {"is_anonymous": "true"}, PRESET),
    ("cognito", "an ID token", {"token_use": "id", "aud": "1h57kf5cpq17m0eml12EXAMPLE"}, STANDARD),
    ("cognito", "an ID token without its audience", {"token_use": "id"}, PRESET),
    ("cognito", "without a use", {"token_use": ABSENT}, PRESET),
    ("cognito", "of another application", {"client_id": "other"}, PRESET),
    ("cognito", "without an application", {"client_id": ABSENT}, PRESET),
    ("cognito", "a machine's", {"sub": "1h57kf5cpq17m0eml12EXAMPLE"}, PRESET),
    ("keycloak", "an ID token", {"typ": "ID"}, PRESET),
    ("keycloak", "a refresh token", {"typ": "Refresh"}, PRESET),
    ("keycloak", "an offline token", {"typ": "Offline"}, PRESET),
    ("keycloak", "a logout token", {"typ": "Logout"}, PRESET),
    ("keycloak", "sender-constrained", {"typ": "DPoP"}, PRESET),
    ("keycloak", "without a type", {"typ": ABSENT}, PRESET),
    ("keycloak", "of another application", {"azp": "other-page"}, PRESET),
    ("keycloak", "for the account page", {"aud": "account"}, STANDARD),
    ("entra", "an ID token", {"scp": ABSENT}, PRESET),
    (
        "entra",
        "an application's own",
        {"scp": ABSENT, "roles": ["support"], "idtyp": "app"},
        PRESET,
    ),
    ("entra", "an application's own with a scope", {"idtyp": "app"}, PRESET),
    ("entra", "of version 1", {"ver": "1.0"}, PRESET),
    ("entra", "of another tenant", {"tid": TENANT.replace("1", "9")}, PRESET),
    ("entra", "without a tenant", {"tid": ABSENT}, PRESET),
    ("entra", "for Graph", {"aud": "00000003-0000-0000-c000-000000000000"}, STANDARD),
]


@pytest.fixture(name="paths")
def _paths(tmp_path):
    return Paths(tmp_path / "tokensvc.toml", tmp_path / "data", "")


def algorithm_of(preset):
    return KNOWN_PRESETS[preset].algorithms[0]


def issuer_of(preset, paths, **changed):
    """Return the trusted issuer of a provider whose key is in a file, so nothing is fetched."""
    public = private_key(algorithm_of(preset)).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (paths.config_file.parent / "key.pem").write_bytes(pem)
    configured = {"name": preset, "preset": preset, "public_key_file": "key.pem"}
    issuer = Issuer.model_validate(configured | CONFIGURED[preset] | changed)
    return trust((issuer,), paths, Egress(), {}).issuers[0]


def authenticate(issuer, preset, **changed):
    standard = {"iss": issuer.issuer, "iat": int(NOW) - 60, "exp": int(NOW) + 3600}
    claims = {n: v for n, v in (standard | PERSON[preset] | changed).items() if v is not ABSENT}
    algorithm = algorithm_of(preset)
    token = jwt.encode(claims, private_key(algorithm), algorithm)
    return SiteJwtAuthenticator([issuer], lambda: NOW).authenticate(Credentials(token, "::1"))


@pytest.mark.parametrize("preset", PRESETS)
def test_persons_token_is_accepted_with_the_providers_groups(paths, preset):
    person = authenticate(issuer_of(preset, paths), preset)

    assert person.subject == PERSON[preset]["sub"]
    assert ("support" in person.groups) == (KNOWN_PRESETS[preset].groups_claim is not None)


@pytest.mark.parametrize(
    ("preset", "changed", "stopped_by"),
    [(preset, changed, stopped_by) for preset, _, changed, stopped_by in OTHER_TOKENS],
    ids=[f"{preset}: {name}" for preset, name, _, _ in OTHER_TOKENS],
)
def test_other_token_of_the_provider_is_refused_by_the_named_check(paths, preset, changed, stopped_by):
    """A token that only the preset stops is accepted without the preset's checks."""
    issuer = issuer_of(preset, paths)

    with pytest.raises(InvalidToken):
        authenticate(issuer, preset, **changed)
    without = replace(issuer, further_checks=())
    if stopped_by == PRESET:
        assert authenticate(without, preset, **changed)
    else:
        with pytest.raises(InvalidToken):
            authenticate(without, preset, **changed)
    assert authenticate(issuer, preset)


@pytest.mark.parametrize("preset", PRESETS)
def test_expired_token_of_each_provider_raises_expired_token(paths, preset):
    with pytest.raises(ExpiredToken):
        authenticate(issuer_of(preset, paths), preset, exp=int(NOW) - 61, iat=int(NOW) - 3000)


@pytest.mark.parametrize(
    ("preset", "changed"),
    [
        ("firebase", {"firebase": {"sign_in_provider": "anonymous"}}),
        ("supabase", {"is_anonymous": True}),
    ],
)
def test_anonymous_users_are_accepted_where_configured(paths, preset, changed):
    assert authenticate(issuer_of(preset, paths, anonymous=True), preset, **changed)


def test_authorized_party_is_checked_only_where_clients_are_listed(paths):
    """Auth0 tokens already name an audience, so listing clients is optional."""
    assert authenticate(issuer_of("auth0", paths), "auth0", azp="any")
    with pytest.raises(InvalidToken):
        authenticate(issuer_of("auth0", paths, clients=["a"]), "auth0", azp="any")


def test_configured_audience_is_required_of_clerk_tokens(paths):
    issuer = issuer_of("clerk", paths, audience="tokens")

    assert authenticate(issuer, "clerk", aud="tokens")
    with pytest.raises(InvalidToken):
        authenticate(issuer, "clerk")


def test_legacy_supabase_secret_accepts_users_but_not_the_project_keys(paths):
    secret = "the-projects-legacy-secret-of-40-letters"
    configured = Issuer.model_validate(
        {"name": "s", "preset": "supabase", "secret_env": "SECRET"} | CONFIGURED["supabase"]
    )
    issuer = trust((configured,), paths, Egress(), {"SECRET": secret}).issuers[0]
    good = {"iss": issuer.issuer, "exp": int(NOW) + 3600} | PERSON["supabase"]

    def authenticate(**changed):
        token = jwt.encode(good | changed, secret, "HS256")
        return SiteJwtAuthenticator([issuer], lambda: NOW).authenticate(Credentials(token, "::1"))

    assert authenticate()
    for role in ("anon", "service_role"):
        with pytest.raises(InvalidToken):
            authenticate(role=role)


JWKS_URLS = {
    "auth0": "https://example.eu.auth0.com/.well-known/jwks.json",
    "clerk": "https://clerk.example.com/.well-known/jwks.json",
    "firebase": FIREBASE_KEYS,
    "supabase": "https://abcdefgh.supabase.co/auth/v1/.well-known/jwks.json",
    "cognito": POOL + "/.well-known/jwks.json",
    "keycloak": "https://sso.example.com/realms/shop/protocol/openid-connect/certs",
    "entra": f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys",
}


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_knows_the_jwks_url_of_each_provider(paths, preset):
    configured = {"name": preset, "preset": preset} | CONFIGURED[preset]
    (key_set,) = trust((Issuer.model_validate(configured),), paths, Egress(), {}).key_sets

    assert key_set.url == JWKS_URLS[preset]


@pytest.mark.parametrize(
    ("preset", "changed", "why"),
    [
        ("auth0", {"issuer": "https://example.eu.auth0.com"}, "not of the form"),
        ("auth0", {"audience": None}, "audience is missing"),
        ("clerk", {"clients": []}, "clients is missing"),
        ("clerk", {"issuer": "https://clerk.example.com/"}, "not of the form"),
        ("firebase", {"issuer": "https://securetoken.google.com/"}, "not of the form"),
        ("firebase", {"issuer": "https://evil.example/example-project"}, "not of the form"),
        ("supabase", {"issuer": "https://abcdefgh.supabase.co"}, "not of the form"),
        ("cognito", {"clients": []}, "clients is missing"),
        ("cognito", {"issuer": "https://cognito-idp.evil.example/p"}, "not of the form"),
        ("keycloak", {"audience": None}, "audience is missing"),
        ("keycloak", {"issuer": "https://sso.example.com/auth"}, "not of the form"),
        ("keycloak", {"issuer": "http://sso.example.com/realms/shop"}, "must be https"),
        ("entra", {"issuer": f"https://sts.windows.net/{TENANT}/"}, "not of the form"),
        ("entra", {"issuer": "https://login.microsoftonline.com/common/v2.0"}, "not of the form"),
        ("entra", {"audience": None}, "audience is missing"),
        ("auth0", {"anonymous": True}, "anonymous has no effect"),
    ],
)
def test_preset_rejects_a_configuration_that_would_trust_too_much(paths, preset, changed, why):
    configured = {"name": preset, "preset": preset} | CONFIGURED[preset] | changed

    with pytest.raises(ConfigurationError, match=why):
        trust((Issuer.model_validate(configured),), paths, Egress(), {})

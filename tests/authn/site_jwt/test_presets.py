"""What each provider signs with one and the same key, and which of it is a person's access."""

from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.tokens_for_tests import NOW, private_key
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.issuers import trust
from tokensvc.config.environment import Paths
from tokensvc.config.file import Issuer
from tokensvc.domain import Credentials
from tokensvc.errors import ConfigurationError, ExpiredToken, InvalidToken

TENANT = "11111111-2222-3333-4444-555555555555"
POOL = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123"

# What the configuration says, and what a person's token of that provider holds.
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
FIREBASE_KEYS = (
    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
)
PRESETS = list(CONFIGURED)
ABSENT = object()

# What else the provider signs. Where a preset's own checks are all that hold it, it says so.
PRESET, STANDARD = "the preset", "the standard"
NO_PERSON = [
    ("auth0", "an ID token", {"aud": "my_client_id"}, STANDARD),
    ("auth0", "of another API", {"aud": ["https://other.example"]}, STANDARD),
    ("auth0", "for userinfo alone", {"aud": "https://example.eu.auth0.com/userinfo"}, STANDARD),
    ("auth0", "a machine's, by grant", {"gty": "client-credentials"}, PRESET),
    ("auth0", "a machine's, by subject", {"sub": "my_client_id@clients"}, PRESET),
    ("clerk", "of another site", {"azp": "https://evil.example"}, PRESET),
    ("clerk", "of no site", {"azp": ABSENT}, PRESET),
    ("clerk", "of a list of sites", {"azp": ["https://www.example.com"]}, PRESET),
    ("clerk", "of a pending session", {"sts": "pending"}, PRESET),
    ("clerk", "of a template for another service", {"aud": "convex"}, STANDARD),
    ("firebase", "of another project", {"aud": "other-project"}, STANDARD),
    ("firebase", "with no time of signing in", {"auth_time": ABSENT}, PRESET),
    ("firebase", "signed in tomorrow", {"auth_time": int(NOW) + 86400}, PRESET),
    ("firebase", "signed in at a text", {"auth_time": "1"}, PRESET),
    ("firebase", "signed in at true", {"auth_time": True}, PRESET),
    ("firebase", "signed in at no time", {"auth_time": 0}, PRESET),
    ("firebase", "with an empty user id", {"sub": ""}, STANDARD),
    ("firebase", "with a long user id", {"sub": "a" * 129}, PRESET),
    ("firebase", "anonymous", {"firebase": {"sign_in_provider": "anonymous"}}, PRESET),
    ("supabase", "the anon key", {"role": "anon"}, PRESET),
    ("supabase", "the service_role key", {"role": "service_role"}, PRESET),
    ("supabase", "an administrator's key", {"role": "supabase_admin"}, PRESET),
    ("supabase", "of no role", {"role": ABSENT}, PRESET),
    ("supabase", "of several roles", {"role": ["authenticated"]}, PRESET),
    ("supabase", "for nobody", {"aud": ABSENT}, STANDARD),
    ("supabase", "anonymous", {"is_anonymous": True}, PRESET),
    ("supabase", "anonymous in text", {"is_anonymous": "true"}, PRESET),
    ("cognito", "an ID token", {"token_use": "id", "aud": "1h57kf5cpq17m0eml12EXAMPLE"}, STANDARD),
    ("cognito", "an ID token without its audience", {"token_use": "id"}, PRESET),
    ("cognito", "of no use", {"token_use": ABSENT}, PRESET),
    ("cognito", "of another application", {"client_id": "other"}, PRESET),
    ("cognito", "of no application", {"client_id": ABSENT}, PRESET),
    ("cognito", "a machine's", {"sub": "1h57kf5cpq17m0eml12EXAMPLE"}, PRESET),
    ("keycloak", "an ID token", {"typ": "ID"}, PRESET),
    ("keycloak", "a refresh token", {"typ": "Refresh"}, PRESET),
    ("keycloak", "an offline token", {"typ": "Offline"}, PRESET),
    ("keycloak", "a logout token", {"typ": "Logout"}, PRESET),
    ("keycloak", "bound to a key", {"typ": "DPoP"}, PRESET),
    ("keycloak", "of no type", {"typ": ABSENT}, PRESET),
    ("keycloak", "of another application", {"azp": "other-page"}, PRESET),
    ("keycloak", "for the account page", {"aud": "account"}, STANDARD),
    ("entra", "an ID token", {"scp": ABSENT}, PRESET),
    ("entra", "an app's own", {"scp": ABSENT, "roles": ["support"], "idtyp": "app"}, PRESET),
    ("entra", "an app's own, with a scope", {"idtyp": "app"}, PRESET),
    ("entra", "of version 1", {"ver": "1.0"}, PRESET),
    ("entra", "of another tenant", {"tid": TENANT.replace("1", "9")}, PRESET),
    ("entra", "of no tenant", {"tid": ABSENT}, PRESET),
    ("entra", "for Graph", {"aud": "00000003-0000-0000-c000-000000000000"}, STANDARD),
]


@pytest.fixture(name="paths")
def _paths(tmp_path):
    return Paths(tmp_path / "tokensvc.toml", tmp_path / "data", "")


def algorithm_of(preset):
    return "ES256" if preset == "supabase" else "RS256"


def issuer_of(preset, paths, **changed):
    """The trusted issuer of a provider whose key is in a file, so that no network is asked."""
    public = private_key(algorithm_of(preset)).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (paths.config_file.parent / "key.pem").write_bytes(pem)
    configured = {"name": preset, "preset": preset, "public_key_file": "key.pem"}
    issuer = Issuer.model_validate(configured | CONFIGURED[preset] | changed)
    return trust((issuer,), paths, {}).issuers[0]


def authenticate(issuer, preset, **changed):
    standard = {"iss": issuer.issuer, "iat": int(NOW) - 60, "exp": int(NOW) + 3600}
    claims = {n: v for n, v in (standard | PERSON[preset] | changed).items() if v is not ABSENT}
    algorithm = algorithm_of(preset)
    token = jwt.encode(claims, private_key(algorithm), algorithm)
    return SiteJwtAuthenticator([issuer], lambda: NOW).authenticate(Credentials(token, "::1"))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_persons_token(paths, preset):
    """It is believed, and its groups are where that provider puts them."""
    person = authenticate(issuer_of(preset, paths), preset)

    assert person.subject == PERSON[preset]["sub"]
    assert ("support" in person.groups) == (preset in {"auth0", "cognito", "keycloak", "entra"})


@pytest.mark.parametrize(
    ("preset", "changed", "held_by"),
    [(preset, changed, held_by) for preset, _, changed, held_by in NO_PERSON],
    ids=[f"{preset}: {name}" for preset, name, _, _ in NO_PERSON],
)
def test_a_token_that_is(paths, preset, changed, held_by):
    """It is refused; where the preset alone holds it, it is believed without the preset."""
    issuer = issuer_of(preset, paths)

    with pytest.raises(InvalidToken):
        authenticate(issuer, preset, **changed)
    without = replace(issuer, further_checks=())
    if held_by == PRESET:
        assert authenticate(without, preset, **changed)
    else:
        with pytest.raises(InvalidToken):
            authenticate(without, preset, **changed)
    assert authenticate(issuer, preset)


@pytest.mark.parametrize("preset", PRESETS)
def test_an_expired_token(paths, preset):
    """It is told apart by the provider's tokens too."""
    with pytest.raises(ExpiredToken):
        authenticate(issuer_of(preset, paths), preset, exp=int(NOW) - 61, iat=int(NOW) - 3000)


@pytest.mark.parametrize(
    ("preset", "changed"),
    [
        ("firebase", {"firebase": {"sign_in_provider": "anonymous"}}),
        ("supabase", {"is_anonymous": True}),
    ],
)
def test_anonymous_users(paths, preset, changed):
    """They are let in where the operator says so."""
    assert authenticate(issuer_of(preset, paths, anonymous=True), preset, **changed)


def test_a_party_where_none_is_listed(paths):
    """Auth0, Keycloak and Entra name an audience already; their clients may be any."""
    assert authenticate(issuer_of("auth0", paths), "auth0", azp="any")
    with pytest.raises(InvalidToken):
        authenticate(issuer_of("auth0", paths, clients=["a"]), "auth0", azp="any")


def test_a_clerk_token_of_a_template(paths):
    """Its audience is configured, and then required."""
    issuer = issuer_of("clerk", paths, audience="tokens")

    assert authenticate(issuer, "clerk", aud="tokens")
    with pytest.raises(InvalidToken):
        authenticate(issuer, "clerk")


def test_a_legacy_supabase_secret(paths):
    """HS256 by the project's secret; the anon key, which it signs too, is refused."""
    secret = "the-projects-legacy-secret-of-40-letters"
    configured = Issuer.model_validate(
        {"name": "s", "preset": "supabase", "secret_env": "SECRET"} | CONFIGURED["supabase"]
    )
    issuer = trust((configured,), paths, {"SECRET": secret}).issuers[0]
    good = {"iss": issuer.issuer, "exp": int(NOW) + 3600} | PERSON["supabase"]

    def ask(**changed):
        token = jwt.encode(good | changed, secret, "HS256")
        return SiteJwtAuthenticator([issuer], lambda: NOW).authenticate(Credentials(token, "::1"))

    assert ask()
    for role in ("anon", "service_role"):
        with pytest.raises(InvalidToken):
            ask(role=role)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("auth0", "https://example.eu.auth0.com/.well-known/jwks.json"),
        ("clerk", "https://clerk.example.com/.well-known/jwks.json"),
        (
            "firebase",
            FIREBASE_KEYS,
        ),
        ("supabase", "https://abcdefgh.supabase.co/auth/v1/.well-known/jwks.json"),
        ("cognito", POOL + "/.well-known/jwks.json"),
        ("keycloak", "https://sso.example.com/realms/shop/protocol/openid-connect/certs"),
        ("entra", f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"),
    ],
)
def test_where_the_keys_are(paths, preset, expected):
    """Where the provider documents it; nothing is fetched at a start."""
    configured = {"name": preset, "preset": preset} | CONFIGURED[preset]
    (key_set,) = trust((Issuer.model_validate(configured),), paths, {}).key_sets

    assert key_set.url == expected


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
        ("auth0", {"anonymous": True}, "anonymous means nothing"),
    ],
)
def test_a_configuration_that_lets_in_more_than_was_meant(paths, preset, changed, why):
    """It stops the start with the reason."""
    configured = {"name": preset, "preset": preset} | CONFIGURED[preset] | changed

    with pytest.raises(ConfigurationError, match=why):
        trust((Issuer.model_validate(configured),), paths, {})

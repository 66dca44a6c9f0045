from pathlib import Path

import jwt
import pytest

from authn.provider_for_tests import PATIENCE, jwk, provider, resetting
from authn.tokens_for_tests import AUDIENCE, CLAIMS, ISSUER, NOW, private_key
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.issuers import trust
from tokensvc.config.environment import Paths
from tokensvc.config.file import Issuer
from tokensvc.domain import Credentials
from tokensvc.errors import ConfigurationError, InvalidToken

NEW, OLD = "the-new-secret-of-more-than-32-letters", "the-old-secret-of-more-than-32-letters"
GOOD = {"name": "shop", "issuer": ISSUER, "audience": AUDIENCE}


def trusted(folder, configured, **environment):
    paths = Paths(Path(folder) / "tokensvc.toml", Path(folder) / "data", "")
    return trust((Issuer.model_validate(GOOD | configured),), paths, environment)


def subject(trust, key, algorithm="HS256", kid=None, **changed):
    token = jwt.encode(CLAIMS | changed, key, algorithm, {"kid": kid} if kid else None)
    authenticator = SiteJwtAuthenticator(trust.issuers, lambda: NOW)
    return authenticator.authenticate(Credentials(token, "192.0.2.1")).subject


@pytest.mark.parametrize("listed", [f"{NEW},{OLD}", f" {NEW} , {OLD} ,"])
def test_a_secret_that_rotates(tmp_path, listed):
    """While both are listed neither's tokens are refused; after that the old one's are."""
    during = trusted(tmp_path, {"algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP=listed)
    after = trusted(tmp_path, {"algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP=NEW)

    assert [subject(during, key) for key in (NEW, OLD)] == ["alice", "alice"]
    assert subject(after, NEW) == "alice"
    with pytest.raises(InvalidToken):
        subject(after, OLD)


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "is not set"),
        (",", "is not set"),
        ("brief", "shorter than 32 bytes"),
        (f"{NEW},brief", "shorter than 32 bytes"),
        ("a" * 64, "too few different characters"),
        ("ab" * 32, "too few different characters"),
        (
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
            "not a shared secret",
        ),
        (
            '{"kty": "oct"; "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
            "not a shared secret",
        ),
        ("a-string-secret-at-least-256-bits-long", "published example secret"),
        ("super-secret-jwt-token-with-at-least-32-characters-long", "published example secret"),
    ],
)
def test_a_secret_that_is_none(tmp_path, secret, why):
    """It stops the start, and the fault does not repeat it."""
    with pytest.raises(ConfigurationError, match=why) as caught:
        trusted(tmp_path, {"algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP=secret)

    assert len(secret) < 3 or secret not in caught.value.report()


def test_a_published_secret_on_this_machine(tmp_path):
    """Whoever tries things out at home may use what their tool came with."""
    secret = "super-secret-jwt-token-with-at-least-32-characters-long"
    home = {"issuer": "http://127.0.0.1:54321/auth/v1", "preset": "supabase", "secret_env": "S"}

    assert trusted(tmp_path, home, S=secret).issuers


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/keys",
        "ftp://shop.example/keys",
        "file:///etc/passwd",
        "https:///keys",
        "https://user:password@shop.example/keys",
        "https://shop.example/keys#one",
        "https://shop.example/ke ys\r\n",
        "keys.json",
        "",
    ],
)
def test_an_address_of_keys_that_is_not_safe(tmp_path, url):
    """It stops the start: https, or this machine."""
    with pytest.raises(ConfigurationError, match="jwks_url must"):
        trusted(tmp_path, {"algorithms": ["ES256"], "jwks_url": url})


@pytest.mark.parametrize("name", ["tokensvc", "guest", "key:backend"])
def test_an_issuer_of_the_services_own_name(tmp_path, name):
    """It would speak for accounts, guests or backends."""
    with pytest.raises(ConfigurationError, match="reserved"):
        trusted(tmp_path, {"issuer": name, "algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP=NEW)


def test_a_longer_life(tmp_path):
    """A site whose JWTs live long says so."""
    week = {"exp": int(NOW) + 7 * 86400}
    configured = {"algorithms": ["HS256"], "secret_env": "SHOP"}

    assert subject(trusted(tmp_path, configured | {"longest_life": "168h"}, SHOP=NEW), NEW, **week)
    with pytest.raises(InvalidToken):
        subject(trusted(tmp_path, configured, SHOP=NEW), NEW, **week)


def test_a_start_during_an_outage(tmp_path):
    """The keys in the data folder are enough to serve who comes."""
    key = private_key("ES256")
    with provider(jwk(key, "one")) as serving:
        configured = {"algorithms": ["ES256"], "jwks_url": serving.url}
        (before,) = trusted(tmp_path, configured).key_sets
        assert before.refresh_if_due().wait(PATIENCE)
        serving.answer = resetting

        after = trusted(tmp_path, configured)
        after.key_sets[0].load_cached()
        assert subject(after, key, "ES256", "one") == "alice"
        assert serving.asked == 1

from pathlib import Path

import jwt
import pytest

from authn.provider_for_tests import TIMEOUT, jwk, provider, resetting
from authn.tokens_for_tests import AUDIENCE, CLAIMS, ISSUER, NOW, private_key
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.issuers import trust
from tokensvc.config.egress import Egress
from tokensvc.config.environment import Paths
from tokensvc.config.file import Issuer
from tokensvc.domain import Credentials
from tokensvc.errors import ConfigurationError, InvalidToken

NEW, OLD = "the-new-secret-of-more-than-32-letters", "the-old-secret-of-more-than-32-letters"
GOOD = {"name": "shop", "issuer": ISSUER, "audience": AUDIENCE}


def trusted(folder, configured, **environment):
    paths = Paths(Path(folder) / "tokensvc.toml", Path(folder) / "data", "")
    return trust((Issuer.model_validate(GOOD | configured),), paths, Egress(), environment)


def subject(trust, key, algorithm="HS256", kid=None, **changed):
    token = jwt.encode(CLAIMS | changed, key, algorithm, {"kid": kid} if kid else None)
    authenticator = SiteJwtAuthenticator(trust.issuers, lambda: NOW)
    return authenticator.authenticate(Credentials(token, "192.0.2.1")).subject


@pytest.mark.parametrize("listed", [f"{NEW},{OLD}", f" {NEW} , {OLD} ,"])
def test_rotated_secret_is_accepted_only_while_listed(tmp_path, listed):
    both = trusted(tmp_path, {"algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP=listed)
    new_only = trusted(tmp_path, {"algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP=NEW)

    assert [subject(both, key) for key in (NEW, OLD)] == ["alice", "alice"]
    assert subject(new_only, NEW) == "alice"
    with pytest.raises(InvalidToken):
        subject(new_only, OLD)


def test_secret_may_be_in_a_file(tmp_path):
    (tmp_path / "shop").write_text(f"{NEW},{OLD}\n", encoding="utf-8")
    loaded = trusted(tmp_path, {"algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP_FILE=str(tmp_path / "shop"))

    assert [subject(loaded, key) for key in (NEW, OLD)] == ["alice", "alice"]


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "is not set"),
        (",", "is not set"),
        ("tiny", "shorter than 32 bytes"),
        (f"{NEW},tiny", "shorter than 32 bytes"),
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
def test_unusable_secret_fails_the_start_without_being_shown(tmp_path, secret, why):
    with pytest.raises(ConfigurationError, match=why) as caught:
        trusted(tmp_path, {"algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP=secret)

    assert len(secret) < 3 or secret not in caught.value.report()


def test_published_example_secret_is_allowed_for_a_loopback_issuer(tmp_path):
    """Development tools come with published secrets, which are safe on a loopback address."""
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
def test_unsafe_jwks_url_fails_the_start(tmp_path, url):
    """A JWKS URL must use https, or be on a loopback address."""
    with pytest.raises(ConfigurationError, match="jwks_url must"):
        trusted(tmp_path, {"algorithms": ["ES256"], "jwks_url": url})


@pytest.mark.parametrize("name", ["tokensvc", "guest", "key:backend"])
def test_issuer_with_a_reserved_name_fails_the_start(tmp_path, name):
    """A reserved name would let an issuer sign tokens for accounts, guests or backends."""
    with pytest.raises(ConfigurationError, match="reserved"):
        trusted(tmp_path, {"issuer": name, "algorithms": ["HS256"], "secret_env": "SHOP"}, SHOP=NEW)


def test_longest_life_allows_longer_lived_tokens(tmp_path):
    week = {"exp": int(NOW) + 7 * 86400}
    configured = {"algorithms": ["HS256"], "secret_env": "SHOP"}

    assert subject(trusted(tmp_path, configured | {"longest_life": "168h"}, SHOP=NEW), NEW, **week)
    with pytest.raises(InvalidToken):
        subject(trusted(tmp_path, configured, SHOP=NEW), NEW, **week)


def test_start_during_provider_outage_uses_cached_keys(tmp_path):
    key = private_key("ES256")
    with provider(jwk(key, "one")) as serving:
        configured = {"algorithms": ["ES256"], "jwks_url": serving.url}
        (running,) = trusted(tmp_path, configured).key_sets
        assert running.refresh_if_due().wait(TIMEOUT)
        serving.answer = resetting

        restarted = trusted(tmp_path, configured)
        restarted.key_sets[0].load_cached()
        assert subject(restarted, key, "ES256", "one") == "alice"
        assert serving.asked == 1

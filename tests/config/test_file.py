import pytest

from tokensvc.config.file import load, parse
from tokensvc.domain import Limit
from tokensvc.errors import ConfigurationError

PROFILES = {"default": {"model": "gemini-3.8-live", "allow": ["user"]}}
ISSUER = {
    "name": "shop",
    "issuer": "https://shop.example",
    "audience": "tokens",
    "algorithms": ["HS256"],
    "secret_env": "SHOP_SECRET",
}


def faults(document):
    with pytest.raises(ConfigurationError) as caught:
        parse(document, source="tokensvc.toml")
    return caught.value.faults


def test_the_smallest_file(tmp_path):
    """One profile is enough, and guests are not in it."""
    file = tmp_path / "tokensvc.toml"
    file.write_text('[profiles.default]\nmodel = "gemini-3.8-live"\nallow = ["user"]\n')

    loaded = load(file)

    assert loaded.profiles["default"].allow == ("user",)
    assert loaded.limits.user == (Limit(10, 60), Limit(60, 3600))


def test_several_faults():
    """Each is named with its key, all at once."""
    found = faults(
        {
            "profiles": {
                "default": {"model": "gemini-3.8-live", "allow": ["user"], "token_lifetime": "x"},
                "sales": {"allow": ["user"]},
            },
            "http": {"origins": ["https://*.example.com"], "port": 1},
        }
    )

    assert [fault.split(":")[0] for fault in found] == [
        "http.origins.0",
        "http.port",
        "profiles.default.token_lifetime",
        "profiles.sales.model",
    ]


def test_no_profile():
    """A service that can issue nothing does not start."""
    assert [fault.split(":")[0] for fault in faults({})] == ["profiles"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://*.example.com",
        "https://www.example.com/",
        "https://www.example.com/app",
        "http://www.example.com",
        "https://user@www.example.com",
        "https://WWW.example.com",
        "null",
        "*",
        "",
    ],
)
def test_an_origin_that_is_not_exact(origin):
    """It would let in more than was meant, or nobody."""
    assert faults({"profiles": PROFILES, "http": {"origins": [origin]}})


@pytest.mark.parametrize(
    "changed",
    [
        {"algorithms": ["HS256", "RS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"algorithms": ["RS256"]},
        {"secret_env": None},
        {"public_key_file": "key.pem"},
        {"audience": ""},
        {"audience": None},
        {"jwks_url": "https://shop.example/keys"},
        {"algorithms": ["RS256"], "secret_env": None, "jwks_url": "x", "public_key_file": "y"},
        {"algorithms": ["RS256", "ES256"], "secret_env": None, "jwks_url": "https://x"},
        {"algorithms": ["HS256"], "secret_env": None, "jwks_url": "https://shop.example/keys"},
        {"algorithms": [], "secret_env": None, "jwks_url": "https://shop.example/keys"},
        {"preset": "okta"},
        {"clients": ["a"]},
        {"anonymous": True},
        {"longest_life": "721h"},
    ],
)
def test_an_issuer_with_a_muddled_key(changed):
    """One family, one kind of key, one audience: what would confuse them stops the start."""
    assert faults({"profiles": PROFILES, "issuers": [ISSUER | changed]})


@pytest.mark.parametrize(
    "source",
    [
        {"jwks_url": "https://shop.example/keys", "algorithms": ["RS256", "PS256"]},
        {"public_key_file": "key.pem", "algorithms": ["ES256", "ES384"]},
        {"secret_env": "SHOP_SECRET", "algorithms": ["HS256"]},
        {"preset": "auth0", "algorithms": []},
        {"preset": "supabase", "algorithms": [], "secret_env": "SHOP_SECRET", "audience": None},
    ],
)
def test_an_issuer_with_one_source_of_keys(source):
    """It is taken; a preset needs none."""
    issuer = ISSUER | {"secret_env": None} | source

    assert parse({"profiles": PROFILES, "issuers": [issuer]}, source="t").issuers


def test_two_issuers_alike():
    """An issuer is chosen by its `iss`, so there are no two of one."""
    assert faults({"profiles": PROFILES, "issuers": [ISSUER, ISSUER | {"name": "other"}]})


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"[profiles", "is not TOML"), (b"\xff\xfe", "it is not UTF-8"), (None, "no such file")],
)
def test_a_file_that_cannot_be_read(tmp_path, content, why):
    """The fault says which file and why."""
    file = tmp_path / "tokensvc.toml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=why) as caught:
        load(file)

    assert str(file) in caught.value.report()


def test_a_claim_in_an_instruction():
    """It has to be one that an issuer lists, and to stand in the instruction."""
    instruction = {"system_instruction": "Help ${claims.given_name}."}
    profiles = {"default": PROFILES["default"] | {"config": instruction}}

    parse({"profiles": profiles, "issuers": [ISSUER | {"claims": ["given_name"]}]}, source="x")
    (unlisted,) = faults({"profiles": profiles, "issuers": [ISSUER]})
    assert unlisted.startswith("profiles.default.config.system_instruction")

    elsewhere = {"tools": [{"function_declarations": [{"name": "${claims.given_name}"}]}]}
    (misplaced,) = faults({"profiles": {"default": PROFILES["default"] | {"config": elsewhere}}})
    assert "system_instruction only" in misplaced

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


def test_one_profile_suffices_and_does_not_allow_guests(tmp_path):
    file = tmp_path / "tokensvc.toml"
    file.write_text('[profiles.default]\nmodel = "gemini-3.8-live"\nallow = ["user"]\n')

    loaded = load(file)

    assert loaded.profiles["default"].allow == ("user",)
    assert loaded.limits.user == (Limit(10, 60), Limit(60, 3600))


def test_all_faults_are_reported_at_once_with_their_keys():
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


def test_file_without_profiles_is_rejected():
    assert [fault.split(":")[0] for fault in faults({})] == ["profiles"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://*.example.com",
        "https://www.example.com/app",
        "http://www.example.com",
        "https://user@www.example.com",
        "null",
        "*",
        "",
    ],
)
def test_inexact_origin_is_rejected(origin):
    assert faults({"profiles": PROFILES, "http": {"origins": [origin]}})


@pytest.mark.parametrize("origin", ["http://localhost:*", "http://127.0.0.1:*"])
def test_any_port_of_this_machine_is_accepted_as_an_origin(origin):
    parsed = parse({"profiles": PROFILES, "http": {"origins": [origin]}}, source="test")
    assert parsed.http.origins == (origin,)


@pytest.mark.parametrize("origin", ["https://localhost:*", "http://shop.example.com:*", "http://localhost.evil.test:*"])
def test_any_port_of_another_host_is_rejected_as_an_origin(origin):
    assert faults({"profiles": PROFILES, "http": {"origins": [origin]}})


def test_mode_of_a_limit_is_refuse_or_record():
    record = {"mode": "record"}
    limits = record | {"budget": {"everyone": "1h/day"} | record, "groups": {"a": record}, "concurrent": record}
    parsed = parse({"profiles": PROFILES, "limits": limits}, source="test").limits
    assert {each.mode for each in (parsed, parsed.budget, parsed.groups["a"], parsed.concurrent)} == {"record"}
    (fault,) = faults({"profiles": PROFILES, "limits": {"mode": "recrod"}})
    assert fault == "limits.mode: write 'refuse' or 'record'; did you mean “record”?"


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
        {"preset": "no-such-provider"},
        {"clients": ["a"]},
        {"anonymous": True},
        {"longest_life": "721h"},
    ],
)
def test_ambiguous_or_incomplete_issuer_is_rejected(changed):
    """An issuer has one algorithm family, one source of keys and one audience."""
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
def test_issuer_with_one_key_source_or_a_preset_is_accepted(source):
    issuer = ISSUER | {"secret_env": None} | source

    assert parse({"profiles": PROFILES, "issuers": [issuer]}, source="t").issuers


def test_duplicate_issuer_is_rejected():
    """The `iss` claim selects the issuer, so it must be unique."""
    assert faults({"profiles": PROFILES, "issuers": [ISSUER, ISSUER | {"name": "other"}]})


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"[profiles", "is not TOML"), (b"#\xfc", "it is not UTF-8"), (None, "no such file")],
)
def test_error_names_the_unreadable_file_and_the_reason(tmp_path, content, why):
    file = tmp_path / "tokensvc.toml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=why) as caught:
        load(file)

    assert str(file) in caught.value.report()


def test_claim_placeholder_must_be_listed_and_in_the_system_instruction():
    instruction = {"system_instruction": "Help ${claims.given_name}."}
    profiles = {"default": PROFILES["default"] | {"config": instruction}}

    parse({"profiles": profiles, "issuers": [ISSUER | {"claims": ["given_name"]}]}, source="x")
    (unlisted,) = faults({"profiles": profiles, "issuers": [ISSUER]})
    assert unlisted.startswith("profiles.default.config.system_instruction")

    for name in ("claims.given_name", "context.order"):
        elsewhere = {"tools": [{"function_declarations": [{"name": f"${{{name}}}"}]}]}
        (misplaced,) = faults({"profiles": {"default": PROFILES["default"] | {"config": elsewhere}}})
        assert "system_instruction only" in misplaced


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"config": {"system_instruction": "Help ${claims.given_name}."}},
            "profiles.default.ready_tokens: needs an instruction without claims; remove one",
        ),
        (
            {"config": {"system_instruction": "Order ${context.order}."}},
            "profiles.default.ready_tokens: needs an instruction without context; remove one",
        ),
        (
            {"safety_identifier": True},
            "profiles.default: ready_tokens are minted for nobody yet, so they exclude safety_identifier",
        ),
        (
            {"connect_within": "59s"},
            "profiles.default: ready_tokens needs a connect_within of 60s or more",
        ),
        ({"ready_tokens": 65}, "the file: ready_tokens add up to 65; the most is 64 in all"),
        ({"ready_tokens": -1}, "profiles.default.ready_tokens: Input should be"),
        ({"ready_tokens": "8"}, "profiles.default.ready_tokens: Input should be a valid integer"),
    ],
)
def test_ready_tokens_are_refused_where_they_cannot_serve_anyone(fields, fault):
    profile = PROFILES["default"] | {"ready_tokens": 8} | fields
    issuer = ISSUER | {"claims": ["given_name"]}

    (found,) = faults({"profiles": {"default": profile}, "issuers": [issuer]})
    assert found.startswith(fault)


def test_ready_tokens_are_bounded_over_all_profiles():
    profiles = {name: PROFILES["default"] | {"ready_tokens": 40} for name in ("a", "b")}

    assert faults({"profiles": profiles}) == ["the file: ready_tokens add up to 80; the most is 64 in all"]

import pytest

from tokensvc.config.environment import Settings, is_loopback
from tokensvc.errors import ConfigurationError

GOOD = {"GEMINI_API_KEY": "a-key", "TOKENSVC_SECRET_KEY": "s" * 32}


def faults(environment):
    with pytest.raises(ConfigurationError) as caught:
        Settings.read(environment)
    return caught.value.faults


def test_an_empty_environment():
    """Every missing secret is named at once."""
    found = faults({})

    assert [fault.split()[0] for fault in found] == ["GEMINI_API_KEY", "TOKENSVC_SECRET_KEY"]


def test_the_two_secrets():
    """They are enough; all else has a default, and Google is the upstream."""
    settings = Settings.read(GOOD)

    assert settings.gemini_base_url == "https://generativelanguage.googleapis.com"
    assert settings.paths.database_url == "sqlite:///data/tokensvc.db"


def test_lists_of_secrets():
    """Keys may be several, newest first, while they rotate."""
    settings = Settings.read(
        {"GEMINI_API_KEY": "one, two", "TOKENSVC_SECRET_KEY": f"{'n' * 32},{'o' * 32}"}
    )

    assert settings.gemini_api_keys == ("one", "two")
    assert settings.secret_keys == (b"n" * 32, b"o" * 32)


def test_a_short_secret_in_a_list():
    """One weak key is one too many."""
    assert faults(GOOD | {"TOKENSVC_SECRET_KEY": f"{'n' * 32},short"}) == [
        "TOKENSVC_SECRET_KEY is shorter than 32 bytes"
    ]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://example.com", "only https leaves this machine"),
        ("ftp://127.0.0.1", "must look like"),
        ("https://user:pass@example.com", "must hold no credentials"),
        ("https://example.com?key=1", "must look like"),
        ("https://example.com:port", "is no URL"),
        ("nonsense", "must look like"),
    ],
)
def test_an_unusable_upstream(address, why):
    """An address that would carry the key in the clear, or nowhere, stops the start."""
    (fault,) = faults(GOOD | {"TOKENSVC_GEMINI_BASE_URL": address})

    assert fault.startswith("TOKENSVC_GEMINI_BASE_URL")
    assert why in fault


def test_an_upstream_on_this_machine():
    """The emulator may be spoken to in the clear, and a slash at the end means nothing."""
    settings = Settings.read(GOOD | {"TOKENSVC_GEMINI_BASE_URL": "http://127.0.0.1:9090/"})

    assert settings.gemini_base_url == "http://127.0.0.1:9090"


def test_the_sdks_own_variables():
    """They do not decide where our key goes."""
    settings = Settings.read(GOOD | {"GOOGLE_GEMINI_BASE_URL": "https://elsewhere.example"})

    assert settings.gemini_base_url == "https://generativelanguage.googleapis.com"


def test_a_repr():
    """It shows no secret."""
    settings = Settings.read(GOOD | {"DATABASE_URL": "sqlite:///canary-path"})

    assert not any(secret in repr(settings) for secret in ("a-key", "s" * 32, "canary"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_loopback(host, expected):
    """Only what cannot leave this machine counts."""
    assert is_loopback(host) is expected

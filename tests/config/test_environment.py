from operator import attrgetter

import pytest

from tokensvc.config.addresses import is_loopback
from tokensvc.config.environment import Settings
from tokensvc.errors import ConfigurationError

NEW, OLD = "new-signing-key-of-the-tests-7294185036", "old-signing-key-of-the-tests-7294185036"
SECRET = "TOKENSVC_SECRET_KEY"
GOOD = {"GEMINI_API_KEY": "a-key", "TOKENSVC_SECRET_KEY": NEW}


def faults(environment):
    with pytest.raises(ConfigurationError) as caught:
        Settings.read(environment)
    return caught.value.faults


def test_all_missing_secrets_are_reported_at_once():
    found = faults({})

    assert [fault.split()[0] for fault in found] == ["GEMINI_API_KEY", "TOKENSVC_SECRET_KEY"]


def test_two_secrets_suffice_and_everything_else_has_a_default():
    settings = Settings.read(GOOD)

    assert settings.gemini_base_url == "https://generativelanguage.googleapis.com"
    assert settings.paths.database_url == "sqlite:///data/tokensvc.db"


def test_secrets_may_be_lists_in_order():
    settings = Settings.read({"GEMINI_API_KEY": "one, two", "TOKENSVC_SECRET_KEY": f"{NEW},{OLD}"})

    assert settings.gemini_api_keys == ("one", "two")
    assert settings.secret_keys == (NEW.encode(), OLD.encode())


@pytest.mark.parametrize("content", ["{}", "{}\n", "\ufeff{}\r\n", "'{}'\n"])
def test_secret_may_be_in_a_file_with_any_line_end(tmp_path, content):
    file = tmp_path / "secret"
    file.write_text(content.format(f"{NEW},{OLD}"), encoding="utf-8", newline="")
    settings = Settings.read({"GEMINI_API_KEY": "a-key", "TOKENSVC_SECRET_KEY": "", f"{SECRET}_FILE": str(file)})

    assert settings.secret_keys == (NEW.encode(), OLD.encode())


@pytest.mark.parametrize(
    ("variable", "content", "attribute", "expected"),
    [
        ("GEMINI_API_KEY", "one,two\n", "gemini_api_keys", ("one", "two")),
        ("DATABASE_URL", "postgresql://a:b@h/d\n", "paths.database_url", "postgresql://a:b@h/d"),
        ("HTTPS_PROXY", "http://u:p@proxy:3128\n", "egress.proxy.credentials", "u:p"),
    ],
)
def test_every_secret_may_be_in_a_file(tmp_path, variable, content, attribute, expected):
    (tmp_path / "secret").write_text(content, encoding="utf-8")
    environment = {name: value for name, value in GOOD.items() if name != variable}
    settings = Settings.read(environment | {f"{variable}_FILE": str(tmp_path / "secret")})

    assert attrgetter(attribute)(settings) == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file"),
        (b"\n", "is empty"),
        (b"k" * 70_000, "is too large"),
        (b"\xff\xfe\xfd", "is not text"),
        (b"short\n", "is shorter than 32 bytes"),
    ],
)
def test_unusable_secret_file_is_reported_by_its_variable_without_its_path(tmp_path, content, why):
    """Instead of the path, somebody may have written the secret itself."""
    if content is not None:
        (tmp_path / "a-secret").write_bytes(content)
    (fault,) = faults({"GEMINI_API_KEY": "a-key", f"{SECRET}_FILE": str(tmp_path / "a-secret")})

    assert fault.startswith(SECRET)
    assert why in fault
    assert "a-secret" not in fault


def test_secret_in_a_variable_and_in_a_file_is_rejected(tmp_path):
    (tmp_path / "secret").write_text(OLD, encoding="utf-8")
    (fault,) = faults(GOOD | {f"{SECRET}_FILE": str(tmp_path / "secret")})

    assert fault == "TOKENSVC_SECRET_KEY and TOKENSVC_SECRET_KEY_FILE are both set: remove one of them"


def test_short_secret_in_a_list_is_rejected():
    (fault,) = faults(GOOD | {"TOKENSVC_SECRET_KEY": f"{NEW},short"})
    assert fault.startswith("TOKENSVC_SECRET_KEY is shorter than 32 bytes")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://example.com", "must be https"),
        ("ftp://127.0.0.1", "must look like"),
        ("https://user:pass@example.com", "must not contain credentials"),
        ("https://example.com?key=1", "must end after the host"),
        ("https://example.com:port", "is not a valid URL"),
        ("nonsense", "must look like"),
    ],
)
def test_unsafe_or_invalid_upstream_url_is_rejected(address, why):
    (fault,) = faults(GOOD | {"TOKENSVC_GEMINI_BASE_URL": address})

    assert fault.startswith("TOKENSVC_GEMINI_BASE_URL")
    assert why in fault


def test_loopback_upstream_may_use_http_and_loses_its_trailing_slash():
    settings = Settings.read(GOOD | {"TOKENSVC_GEMINI_BASE_URL": "http://127.0.0.1:9090/"})

    assert settings.gemini_base_url == "http://127.0.0.1:9090"


def test_sdk_variable_does_not_change_the_upstream():
    settings = Settings.read(GOOD | {"GOOGLE_GEMINI_BASE_URL": "https://elsewhere.example"})

    assert settings.gemini_base_url == "https://generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:p%40ss@db.example:6543/shop?sslmode=require",
        "postgresql://ada:p@s/s:w?o#rd@db.example/shop",
        "postgresql://a:b@h1:5432,h2:5432/d",
        "postgresql://a:b@[::1]:5432/d",
        "postgresql://a@%2Frun%2Fpostgresql/d",
        "postgresql://a@server:b@h/d",
        "postgresql+asyncpg://a:b@h/d",
        "postgresql:///d",
        "sqlite:////var/lib/tokensvc/tokensvc.db",
    ],
)
def test_well_formed_database_url_is_left_to_the_store(url):
    assert Settings.read(GOOD | {"DATABASE_URL": url}).paths.database_url == url


def test_repr_shows_no_secret():
    settings = Settings.read(GOOD | {"DATABASE_URL": "sqlite:///canary-path"})

    assert not any(secret in repr(settings) for secret in ("a-key", NEW, "canary"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_only_loopback_hosts_count_as_loopback(host, expected):
    assert is_loopback(host) is expected

import pytest

from tokensvc.config.file import parse
from tokensvc.errors import ConfigurationError

PROFILES = {"default": {"model": "gemini-3.8-live", "allow": ["user"]}}


def http(**settings):
    return parse({"profiles": PROFILES, "http": settings}, source="tokensvc.toml").http


@pytest.mark.parametrize(
    ("url", "origin", "prefix"),
    [
        ("https://www.example.com", "https://www.example.com", ""),
        ("https://www.example.com/voice", "https://www.example.com", "/voice"),
        ("https://www.example.com/voice/", "https://www.example.com", "/voice"),
        (
            "https://www.example.com:8443/a/b-c_d~1.0",
            "https://www.example.com:8443",
            "/a/b-c_d~1.0",
        ),
        ("http://localhost:8080/Voice", "http://localhost:8080", "/Voice"),
        ("http://[::1]:8080/voice", "http://[::1]:8080", "/voice"),
    ],
)
def test_public_url_may_have_a_path(url, origin, prefix):
    read = http(public_url=url)

    assert (read.public_url, read.public_origin, read.prefix) == (origin + prefix, origin, prefix)


def test_without_a_public_url_there_is_no_origin_and_no_path():
    assert (http().public_origin, http().prefix) == (None, "")


@pytest.mark.parametrize(
    "path",
    [
        "/a//b",
        "/..",
        "/a/../b",
        "/./a",
        "/a%2fb",
        "/a b",
        "/ä",
        "/a;b",
        "/a?b",
        "/a#b",
    ],
)
def test_path_that_browsers_and_proxies_may_write_differently_is_refused(path):
    with pytest.raises(ConfigurationError, match=r"http\.public_url"):
        http(public_url=f"https://www.example.com{path}")

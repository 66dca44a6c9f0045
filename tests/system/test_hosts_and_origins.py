"""Which hosts and origins are served: our own, and the origins listed exactly."""

from __future__ import annotations

import pytest

from system.configurations import ORIGIN, PUBLIC_URL
from system.raw import exchange, request

FOREIGN = [
    "https://evil.test",
    "null",
    "https://app.example.com.evil.test",
    "https://evil-app.example.com",
    "https://app-example.com",
    "https://appXexample.com",
    "https://sub.app.example.com",
    "https://example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com:443",
    "https://app.example.com.",
    "https://app.example.com/",
    "https://APP.EXAMPLE.COM",
    "https://app.example.com@evil.test",
    "https://app.example.com evil.test",
    "https://app.example.com, https://evil.test",
    "http://:3000",
    "http://1:3000",
    "http://1:3000.evil.test",
    "https://xn--pp-example.com",
    "file://",
    "*",
    "https://" + "a" * 4000,
]


def _cors(answer) -> dict[str, str]:
    return {n: v for n, v in answer.headers.items() if n.startswith("access-control-")}


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize(("path", "origin"), [*(("/token", origin) for origin in FOREIGN), ("/login", FOREIGN[0])])
def test_post_from_a_foreign_origin_is_refused_without_cors_headers(shop, path, origin):
    answer = exchange(shop.url, request("POST", path, f"Origin: {origin}"))
    assert (answer.status, answer.code) == (403, "origin-not-allowed")
    assert not _cors(answer)
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize("origin", FOREIGN)
def test_preflight_or_read_from_a_foreign_origin_gets_no_cors_headers(shop, origin):
    wanted = "Access-Control-Request-Method: POST"
    for method, path in (("OPTIONS", "/token"), ("OPTIONS", "/profiles"), ("GET", "/profiles")):
        answer = exchange(shop.url, request(method, path, f"Origin: {origin}", wanted))
        assert not _cors(answer)
        assert "origin" in answer.headers["vary"].lower()


@pytest.mark.usefixtures("mints_nothing")
def test_request_with_two_origins_is_refused(shop):
    content = request("POST", "/token", f"Origin: {ORIGIN}", "Origin: https://evil.test")
    assert exchange(shop.url, content).status == 403


@pytest.mark.parametrize("origin", [ORIGIN, "http://[::1]:3000"])
def test_listed_origin_may_read_answers_but_not_send_credentials(shop, origin):
    for answer in (
        shop.post("/token", headers={"Origin": origin}),
        shop.get("/profiles", headers={"Origin": origin}),
    ):
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in answer.headers
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert {"retry-after", "x-request-id"} <= set(exposed.split(", "))
        assert "origin" in answer.headers["vary"].lower()


def test_preflight_from_a_listed_origin_allows_only_what_the_contract_needs(shop, google):
    before = len(google.received)
    answer = shop.request(
        "OPTIONS",
        "/token",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, x-api-key",
        },
    )
    assert answer.status in {200, 204}
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert set(allowed.split(", ")) == {"authorization", "content-type"}
    assert set(answer.headers["access-control-allow-methods"].split(", ")) == {"GET", "POST"}
    assert 0 < int(answer.headers["access-control-max-age"]) <= 7200
    assert len(google.received) == before


@pytest.mark.parametrize(
    ("body", "bearer", "status"),
    [
        (b"not JSON", None, 400),
        (None, "nonsense", 401),
        ({"profile": "nobody-has-this"}, None, 401),
        (b" " * 20_000, None, 413),
        ({"profile": "500"}, None, 502),
    ],
)
def test_listed_origin_may_read_why_it_was_refused(shop, body, bearer, status):
    answer = shop.post("/token", body, bearer=bearer, headers={"Origin": ORIGIN})
    assert answer.status == status
    assert answer.code
    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.usefixtures("mints_nothing")
def test_login_from_a_listed_origin_is_refused(shop):
    """Only the service's own page may use the login."""
    body = {"username": "ada", "password": "x"}
    answer = shop.post("/login", body, headers={"Origin": ORIGIN})
    assert (answer.status, answer.code) == (403, "origin-not-allowed")
    assert not _cors(answer)


def test_own_origin_is_served_and_another_port_is_refused(shop):
    assert shop.post("/token", headers={"Origin": shop.url}).status == 200
    other_port = {"Origin": "http://127.0.0.1:1"}
    assert shop.post("/token", headers=other_port).status == 403


FOREIGN_HOSTS = [
    "evil.test",
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "evil.test:80",
    "localhost@evil.test",
    "127.0.0.1@evil.test",
    "evil.test#localhost",
    "evil.test\\localhost",
    "[::2]",
    "[::1",
    "[",
    "0.0.0.0",  # noqa: S104 - a requested host, not a bind address
    "10.0.0.1",
    "127.1",
    "2130706433",
    "a b",
    "",
]


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize(("path", "host"), [*(("/token", host) for host in FOREIGN_HOSTS), ("/", FOREIGN_HOSTS[0])])
def test_foreign_host_is_refused_without_a_public_url(shop, path, host):
    """Without a public URL, another host name is a sign of DNS rebinding."""
    method = "POST" if path == "/token" else "GET"
    answer = exchange(shop.url, request(method, path, host=host))
    assert (answer.status, answer.code) == (400, "invalid-host")


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_request_without_host_is_refused_unless_it_is_a_probe(shop, version):
    """RFC 9112, section 3.2, requires a Host header."""
    for method, path, expected in (
        ("POST", "/token", 400),
        ("GET", "/", 400),
        ("GET", "/livez", 200),
    ):
        content = f"{method} {path} HTTP/{version}\r\nConnection: close\r\n\r\n".encode()
        answer = exchange(shop.url, content)
        assert answer.status == expected
        assert expected == 200 or answer.code == "invalid-host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:80"])
def test_loopback_host_is_served_on_any_port(shop, host):
    assert exchange(shop.url, request("POST", "/token", host=host)).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("tokens.example.com", 401),
        ("TOKENS.example.com:443", 401),
        ("localhost", 401),
        ("tokens.example.com.evil.test", 400),
        ("evil-tokens.example.com", 400),
        ("evil.test", 400),
    ],
)
def test_service_with_a_public_url_serves_only_that_host_and_loopback(public, host, status):
    assert exchange(public.url, request("POST", "/token", host=host)).status == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (PUBLIC_URL, 401),
        ("http://tokens.example.com", 403),
        ("https://tokens.example.com:8443", 403),
        ("https://tokens.example.com.evil.test", 403),
        ("null", 403),
    ],
)
def test_service_with_a_public_url_has_exactly_that_origin(public, origin, status):
    content = request("POST", "/token", f"Origin: {origin}", host="tokens.example.com")
    assert exchange(public.url, content).status == status


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probe_is_answered_under_any_host(shop, path):
    assert shop.get(path, headers={"Host": "10.1.2.3:8080"}).status == 200

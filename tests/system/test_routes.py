"""Unknown paths, wrong methods and malformed requests are refused as documented."""

from __future__ import annotations

import pytest

from system.raw import exchange, request

ROUTES = {
    "/token": {"POST", "OPTIONS"},
    "/login": {"POST", "OPTIONS"},
    "/lease/end": {"POST", "OPTIONS"},
    "/profiles": {"GET", "HEAD", "OPTIONS"},
    "/readyz": {"GET", "HEAD", "OPTIONS"},
    "/livez": {"GET", "HEAD", "OPTIONS"},
    "/": {"GET", "HEAD", "OPTIONS"},
    "/live/session.js": {"GET", "HEAD", "OPTIONS"},
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize(
    ("path", "method"),
    [(path, method) for path, allowed in ROUTES.items() for method in sorted(METHODS - allowed)],
)
def test_wrong_method_is_refused_with_the_allowed_methods(shop, path, method):
    """RFC 9110, section 15.5.6, requires the Allow header."""
    answer = exchange(shop.url, request(method, path))
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == ROUTES[path]
    if method != "HEAD":
        assert answer.code == "method-not-allowed"


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/token/",
        "/Token",
        "/tokens",
        "/login/refresh/x",
        "//token",
        "/login//refresh",
        "//login",
        "///livez",
        "//evil.test/login",
        "/token%00",
        "/token%2f",
        "/.env",
        "/.git/config",
        "/tokensvc.toml",
        "/data/tokensvc.db",
        "/admin",
        "/static/app.js",
        "/%ff%fe",
        "/nothing%0d%0aSet-Cookie:%20a=b",
    ],
)
def test_unknown_path_is_not_found_and_not_echoed(shop, path):
    for method in ("GET", "POST"):
        answer = exchange(shop.url, request(method, path))
        assert (answer.status, answer.code) == (404, "not-found")
        assert answer.json["detail"] == "There is nothing at this address."
        assert "set-cookie" not in answer.headers


def test_log_has_a_path_only_if_it_is_of_plain_words(shop):
    """It can add no field, and somebody may have pasted a token into it."""
    for path in ("/nothing%20code=granted%0aid=1", "/zz/auth_tokens/0PastedSecret", "/api/token"):
        assert shop.get(path).status == 404
    shop.await_line('"route": "GET /api/token", "status": 404, "code": "not-found"')
    assert len([line for line in shop.lines if '"route": "GET other", "status": 404' in line]) >= 2
    assert not [line for line in shop.lines if "granted%" in line or "PastedSecret" in line]


MALFORMED = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "unknown version": b"GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "space before the colon": b"POST /token HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "two lengths": (b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "length and chunks": (
        b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "negative length": b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "folded header": b"POST /token HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
    "NUL in a header": b"POST /token HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    "long header": b"GET /livez HTTP/1.1\r\nX: " + b"a" * 17_000 + b"\r\n\r\n",
    "many headers": b"GET /livez HTTP/1.1\r\n" + b"X: a\r\n" * 101 + b"\r\n",
    "long path": b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "invalid chunk": (
        b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    ),
}


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_request_is_a_client_error_and_mints_nothing(shop, content):
    answer = exchange(shop.url, content)
    assert 400 <= answer.status < 500 or answer.status == 501
    assert answer.code


def test_request_smuggled_in_a_body_is_not_served(shop, google):
    before = len(google.received)
    hidden = request("POST", "/token")
    content = request("POST", "/nothing", body=hidden)
    assert exchange(shop.url, content).status == 404
    assert shop.get("/livez").status == 200
    assert len(google.received) == before

"""T9. The headers of every answer, successful or not (OWASP ASVS 5.0, V3.4).

tests/attack/test_openapi.py has those of every operation and status.
"""

from __future__ import annotations

import re

import pytest

from programs import OPEN_PROFILE
from system.configurations import ORIGIN
from system.launching import rows
from system.raw import exchange
from system.raw import request as written

DENY_ALL = "default-src 'none'; frame-ancestors 'none'"
ANSWERS = {
    "token": (("POST", "/token"), {}, 200),
    "profiles": (("GET", "/profiles"), {}, 200),
    "liveness": (("GET", "/livez"), {}, 200),
    "page": (("GET", "/"), {}, 200),
    "file": (("GET", "/app.js"), {}, 200),
    "preflight": (("OPTIONS", "/token"), {}, 200),
    "invalid JSON": (
        ("POST", "/token", "Content-Type: application/json"),
        {"body": b"x"},
        400,
    ),
    "invalid credential": (("POST", "/token", "Authorization: Bearer x"), {}, 401),
    "foreign origin": (("POST", "/token", "Origin: https://evil.test"), {}, 403),
    "unknown path": (("GET", "/nothing"), {}, 404),
    "wrong method": (("GET", "/token"), {}, 405),
    "foreign host": (("GET", "/"), {"host": "evil.test"}, 400),
    "too large": (("POST", "/token", "Content-Length: 99999"), {}, 413),
    "wrong type": (("POST", "/token", "Content-Type: text/plain"), {"body": b"x"}, 415),
    "rejected profile": (("POST", "/token", "Content-Type: application/json"), {"body": b'{"profile": "400"}'}, 500),
    "HEAD": (("HEAD", "/"), {}, 200),
    "HEAD of an unknown path": (("HEAD", "/nothing"), {}, 404),
    "OPTIONS": (("OPTIONS", "/"), {}, 200),
    "TRACE": (("TRACE", "/profiles"), {}, 405),
    "redirect": (("GET", "/widget.js"), {}, 302),
    "file that is known": (("GET", "/app.js", "If-None-Match: *"), {}, 304),
    "file of no release": (("GET", "/assets/x/app.js"), {}, 404),
    "precondition": (("GET", "/app.js", 'If-Match: "x"'), {}, 400),
    "invalid framing": (("GET", "/livez", "Content-Length: x"), {}, 400),
    "long header": (("GET", "/livez", "X: " + "a" * 17_000), {}, 431),
    "encoded path": (("GET", "/%ff%00"), {}, 404),
}


@pytest.fixture(name="answer", params=ANSWERS.values(), ids=ANSWERS.keys())
def _answer(shop, request):
    """Return one answer of each kind."""
    parts, named, status = request.param
    answer = exchange(shop.url, written(*parts, **named))
    assert answer.status == status
    return answer


def test_every_answer_has_the_security_headers_a_request_id_and_no_version(answer):
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] in {"same-origin", "cross-origin"}
    assert "origin" in headers["vary"].lower()
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert headers.get("server", "gunicorn") == "gunicorn"
    assert "x-powered-by" not in headers
    assert "set-cookie" not in headers
    assert "access-control-allow-credentials" not in headers
    if answer.body:
        assert headers["cache-control"] in {"no-store", "no-cache"}


@pytest.mark.parametrize("origin", [[], [f"Origin: {ORIGIN}"]], ids=["no origin", "listed origin"])
def test_token_has_the_headers_of_other_api_answers(shop, origin):
    """It is answered without Flask, which sets the headers of the others."""
    token, profiles = (
        exchange(shop.url, written(*request, *origin)).headers for request in (("POST", "/token"), ("GET", "/profiles"))
    )
    own = {"ratelimit", "ratelimit-policy", "content-length", "date", "x-request-id"}
    assert {"ratelimit", "ratelimit-policy"} <= token.keys()
    assert {n: v for n, v in token.items() if n not in own} == {n: v for n, v in profiles.items() if n not in own}


def test_api_answers_are_never_cached_or_framed_and_vary_by_credential(shop):
    for answer in (shop.post("/token"), shop.get("/profiles")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == DENY_ALL
        assert answer.headers["content-type"] == "application/json"
        assert "authorization" in answer.headers["vary"].lower()
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("page", ["/", "/embed"])
def test_page_loads_only_its_own_files_and_connects_only_to_google(shop, google, page):
    headers = shop.get(page).headers
    policy = dict(directive.split(" ", 1) for directive in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == f"'self' {google.url.replace('http', 'ws')}"
    assert policy["frame-ancestors"] == "'self'"
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "'none'"
    assert "unsafe" not in str(policy)
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "microphone=(self)" in headers["permissions-policy"]


def test_hsts_follows_the_public_url_and_not_the_proxys_headers(shop, public):
    for forwarded in ("https", "http"):
        for path in ("/", "/livez", "/nothing"):
            content = written("GET", path, f"X-Forwarded-Proto: {forwarded}", host="tokens.example.com")
            answer = exchange(public.url, content)
            assert answer.status == (404 if path == "/nothing" else 200)
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in shop.get("/").headers


@pytest.mark.parametrize("offered", ["abc-1.2_3", "A" * 64])
def test_plain_request_id_of_a_client_is_kept(shop, offered):
    answer = shop.get("/nothing", headers={"X-Request-Id": offered})
    assert answer.headers["x-request-id"] == offered
    assert answer.json["instance"] == f"urn:request:{offered}"


@pytest.mark.parametrize("offered", ["a b", "A" * 65, "<script>", "a,b", "é", "{}", ""])
def test_any_other_request_id_is_replaced(shop, offered):
    """Otherwise a client could write into the log."""
    answer = exchange(shop.url, written("GET", "/nothing", f"X-Request-Id: {offered}"))
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize(
    "forwarded",
    [
        "X-Forwarded-For: 6.6.6.6",
        "X-Real-IP: 6.6.6.6",
        "Forwarded: for=6.6.6.6;host=evil.test",
        "CF-Connecting-IP: 6.6.6.6",
        "X-Forwarded-Host: evil.test",
        "X_Forwarded_For: 6.6.6.6",
        "SCRIPT_NAME: /evil",
        "PATH_INFO: /livez",
        "REMOTE_USER: root",
        "REMOTE_ADDR: 6.6.6.6",
        "X-Original-URL: /livez",
        "X-HTTP-Method-Override: GET",
    ],
)
def test_forwarding_headers_do_not_change_the_recorded_address(shop, forwarded):
    name = f"forwarded-{abs(hash(forwarded))}"
    answer = exchange(shop.url, written("POST", "/token", forwarded, f"X-Request-Id: {name}"), source="127.0.8.8")
    assert answer.status == 200
    addresses = rows(shop, "select distinct address from events where request_id = ?", name)
    assert addresses == [("127.0.8.8",)]


def test_frame_for_suggestions_is_for_every_site_and_sandboxed(start_service):
    """Also where the pages are not served, because other sites need it for the widget."""
    service = start_service(f"{OPEN_PROFILE}\n[http]\npage = false\n", "http://127.0.0.1:1")
    assert service.get("/embed").status == 404
    answer = service.get("/suggestions")
    assert answer.status == 200
    policy = dict(directive.split(" ", 1) for directive in answer.headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == "*"
    assert policy["script-src"] == "'self'"
    assert policy["sandbox"] == "allow-scripts allow-popups allow-popups-to-escape-sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert b"assets/" in answer.body, "its script is of the release"

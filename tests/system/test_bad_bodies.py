"""Invalid request bodies are refused in the documented form and mint nothing."""

from __future__ import annotations

import json
import zlib

import pytest

from system.raw import chunked, exchange, request

LIMIT = 16 * 1024

NOT_JSON = {
    "not JSON": b"{'profile': 'default'}",
    "truncated": b'{"profile": "def',
    "trailing text": b'{"profile": "default"} x',
    "two objects": b"{}{}",
    "only white space": b"  \r\n ",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"profile": "default"}'.encode("utf-16"),
    "invalid UTF-8": b'{"profile": "def\xffault"}',
    "duplicate field": b'{"profile": "default", "profile": "default"}',
    "duplicate field, escaped": rb'{"profile": "default", "pro\u0066ile": "staff"}',
    "duplicate option": b'{"options": {"voice": "Kore", "voice": "Puck"}}',
    "deep arrays": b"[" * 16000,
    "deep objects": b'{"options":' * 1400,
    "deep and complete": b'{"options": ' + b"[" * 8000 + b"]" * 8000 + b"}",
    "huge number": b'{"profile": ' + b"9" * 10_000 + b"}",
    "number beyond every float": b'{"usage": 1e999}',
    "deeper than anything we read": b'{"usage": ' + b"[" * 64 + b"]" * 64 + b"}",
    "compressed": zlib.compress(b'{"profile": "default"}'),
    "binary": bytes(range(256)),
}
TOKEN_REQUESTS = {
    "an array": [],
    "a string": "default",
    "a number": 1,
    "null": None,
    "true": True,
    "unknown field": {"profil": "default"},
    "field in another case": {"Profile": "default"},
    "field with a homoglyph": {"prof\u0131le": "default"},
    "__proto__": {"__proto__": {"profile": "staff"}},
    "empty profile": {"profile": ""},
    "null profile": {"profile": None},
    "number as profile": {"profile": 1},
    "list as profile": {"profile": ["default"]},
    "long profile": {"profile": "d" * 1025},
    "lone surrogate as profile": {"profile": "\ud800"},
    "list as options": {"options": [["voice", "Kore"]]},
    "null options": {"options": None},
    "unknown option": {"options": {"model": "gemini-ultra"}},
    "lone surrogate as option": {"options": {"\udfff": "Kore"}},
    "value that is not a choice": {"options": {"voice": "kore"}},
    "lone surrogate as value": {"options": {"voice": "\ud800"}},
    "list as value": {"options": {"voice": ["Kore"]}},
    "object as value": {"options": {"voice": {"toString": "Kore"}}},
    "one valid option and one invalid": {"options": {"voice": "Puck", "language": "xx"}},
    "NaN": {"profile": float("nan")},
    "infinity": {"profile": float("inf")},
}
LOGINS = {
    "no password": {"username": "ada"},
    "null password": {"username": "ada", "password": None},
    "empty password": {"username": "ada", "password": ""},
    "long password": {"username": "ada", "password": "p" * 1025},
    "additional field": {"username": "ada", "password": "x", "profile": "default"},
    "lone surrogate as name": {"username": "\ud800", "password": "x"},
    "lone surrogate as password": {"username": "ada", "password": "\udc00"},
    "list as name": {"username": ["ada"], "password": "x"},
}
LEASE_ENDS = {
    "empty object": {},
    "null lease": {"lease": None},
    "list as lease": {"lease": ["a.b.c"]},
    "lone surrogate": {"lease": "\ud800"},
    "long lease": {"lease": "a" * 9000},
    "additional field": {"lease": "a.b.c", "profile": "default"},
}
OUTSIDE_THE_CONTRACT = {"/token": TOKEN_REQUESTS, "/login": LOGINS, "/lease/end": LEASE_ENDS}


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_body_that_is_not_strict_json_is_refused(shop, body):
    answer = shop.post("/token", body)
    assert (answer.status, answer.code) == (400, "invalid-request")


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(path, body, id=f"{path}, {name}")
        for path, bodies in OUTSIDE_THE_CONTRACT.items()
        for name, body in bodies.items()
    ],
)
def test_body_outside_the_contract_is_refused(shop, path, body):
    answer = shop.post(path, json.dumps(body).encode())
    assert (answer.status, answer.code) == (400, "invalid-request")


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("name", ["nobody-has-this", "staff", "../default", "default\0", "DEFAULT"])
def test_unknown_and_forbidden_profiles_get_the_same_refusal(shop, visitor, name):
    """A guest is asked to sign in instead."""
    refused = shop.post("/token", {"profile": name}, bearer=visitor())
    assert (refused.status, refused.code) == (403, "profile-not-allowed")
    assert name not in refused.json["detail"]
    guest = shop.post("/token", {"profile": name})
    assert (guest.status, guest.code) == (401, "authentication-required")
    assert guest.headers["www-authenticate"] == 'Bearer realm="token"'


def _padded(length: int) -> bytes:
    body = b'{"profile": "default"}'
    return body + b" " * (length - len(body))


def test_body_of_16_kb_is_accepted_with_a_length_or_in_chunks(shop):
    assert shop.post("/token", _padded(LIMIT)).status == 200
    content = request(
        "POST",
        "/token",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=chunked(_padded(LIMIT)),
    )
    assert exchange(shop.url, content).status == 200


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/token", [], _padded(LIMIT + 1)),
        ("/token", ["Transfer-Encoding: chunked"], chunked(_padded(LIMIT + 1))),
        ("/token", ["Transfer-Encoding: chunked"], chunked(_padded(200_000))),
        ("/token", ["Content-Length: 99999999999"], b"{}"),
        ("/login", [], _padded(LIMIT + 1)),
    ],
    ids=[
        "one byte over",
        "one byte over in chunks",
        "far over in chunks",
        "declared but not sent",
        "login",
    ],
)
def test_body_over_16_kb_is_refused_with_or_without_a_length(shop, path, headers, body):
    content = request("POST", path, "Content-Type: application/json", *headers, body=body)
    answer = exchange(shop.url, content)
    assert (answer.status, answer.code) == (413, "too-large")


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("body", [b"", b"{}", b'{"profile": "default"}'])
@pytest.mark.parametrize("path", ["/token", "/lease/end", "/login", "/tool"])
def test_body_that_ends_before_its_length_is_not_acted_on(shop, path, body):
    """The client was cut off, or a proxy."""
    content = request("POST", path, "Content-Type: application/json", "Content-Length: 23", body=body)
    answer = exchange(shop.url, content, ends=True)
    assert (answer.status, answer.code) == (400, "invalid-request")


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize(
    ("path", "declared"),
    [
        ("/token", "text/plain"),
        ("/token", "application/x-www-form-urlencoded"),
        ("/token", "multipart/form-data; boundary=x"),
        ("/token", "application/jsonp"),
        ("/token", "text/json"),
        ("/token", "application/json-patch+json"),
        ("/token", ""),
        ("/login", "text/plain"),
    ],
)
def test_body_not_declared_as_json_is_refused(shop, path, declared):
    """Otherwise a form on another site could send it."""
    body = b'{"username": "ada", "password": "x"}' if path == "/login" else b'{"profile":"default"}'
    answer = shop.post(path, body, headers={"Content-Type": declared})
    assert (answer.status, answer.code) == (415, "unsupported-media-type")


def test_content_type_ignores_case_and_parameters(shop):
    """RFC 9110, section 8.3.1, requires this."""
    declared = {"Content-Type": "Application/JSON; charset=UTF-8"}
    assert shop.post("/token", b"{}", headers=declared).status == 200

"""Whatever stands in a body: a problem in the documented form, nothing minted, service still up."""

from __future__ import annotations

import json
import zlib

import pytest

from service.raw import chunked, exchange, request

LONGEST = 16 * 1024

NOT_JSON = {
    "not JSON": b"{'profile': 'default'}",
    "cut short": b'{"profile": "def',
    "something after it": b'{"profile": "default"} x',
    "two objects": b"{}{}",
    "blanks only": b"  \r\n ",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"profile": "default"}'.encode("utf-16"),
    "no UTF-8": b'{"profile": "def\xffault"}',
    "a field twice": b'{"profile": "default", "profile": "default"}',
    "a field twice, escaped": rb'{"profile": "default", "pro\u0066ile": "staff"}',
    "an option twice": b'{"options": {"voice": "Kore", "voice": "Puck"}}',
    "deep arrays": b"[" * 16000,
    "deep objects": b'{"options":' * 1400,
    "deep and closed": b'{"options": ' + b"[" * 8000 + b"]" * 8000 + b"}",
    "a number without end": b'{"profile": ' + b"9" * 10_000 + b"}",
    "compressed": zlib.compress(b'{"profile": "default"}'),
    "binary": bytes(range(256)),
}
NOT_THE_CONTRACT = {
    "an array": [],
    "a string": "default",
    "a number": 1,
    "null": None,
    "true": True,
    "an unknown field": {"profil": "default"},
    "a field in another case": {"Profile": "default"},
    "a field of look-alikes": {"prof\u0131le": "default"},
    "the prototype": {"__proto__": {"profile": "staff"}},
    "a profile of no name": {"profile": ""},
    "a profile that is null": {"profile": None},
    "a profile that is a number": {"profile": 1},
    "a profile that is a list": {"profile": ["default"]},
    "a profile with a long name": {"profile": "d" * 1025},
    "a profile that is half a character": {"profile": "\ud800"},
    "options that are a list": {"options": [["voice", "Kore"]]},
    "options that are null": {"options": None},
    "an option that does not exist": {"options": {"model": "gemini-ultra"}},
    "an option that is half a character": {"options": {"\udfff": "Kore"}},
    "a value that is not a choice": {"options": {"voice": "kore"}},
    "a value that is half a character": {"options": {"voice": "\ud800"}},
    "a value that is a list": {"options": {"voice": ["Kore"]}},
    "a value that is an object": {"options": {"voice": {"toString": "Kore"}}},
    "one good option and one bad": {"options": {"voice": "Puck", "language": "xx"}},
    "not a number": {"profile": float("nan")},
    "endless": {"profile": float("inf")},
}
LOGINS = {
    "no password": {"username": "ada"},
    "a password that is null": {"username": "ada", "password": None},
    "an empty password": {"username": "ada", "password": ""},
    "a long password": {"username": "ada", "password": "p" * 1025},
    "a field too many": {"username": "ada", "password": "x", "profile": "default"},
    "a name that is half a character": {"username": "\ud800", "password": "x"},
    "a password that is half a character": {"username": "ada", "password": "\udc00"},
    "a name that is a list": {"username": ["ada"], "password": "x"},
}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a_body_that_is_not_json(shop, body):
    """Only one JSON text, in UTF-8, with each name once, is read."""
    answer = shop.post("/token", body)
    assert (answer.status, answer.code) == (400, "invalid-request")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("body", NOT_THE_CONTRACT.values(), ids=NOT_THE_CONTRACT.keys())
def test_a_body_that_is_not_the_contract(shop, body):
    """Only the fields of the contract are taken, each of its own type and with its own values."""
    answer = shop.post("/token", json.dumps(body).encode())
    assert (answer.status, answer.code) == (400, "invalid-request")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("body", LOGINS.values(), ids=LOGINS.keys())
def test_a_login_that_is_not_the_contract(shop, body):
    """A login takes a user name and a password, both of them text."""
    answer = shop.post("/login", json.dumps(body).encode())
    assert (answer.status, answer.code) == (400, "invalid-request")


ENDS = {
    "nothing": {},
    "no text": {"lease": None},
    "a list": {"lease": ["a.b.c"]},
    "half a character": {"lease": "\ud800"},
    "too long": {"lease": "a" * 9000},
    "a field too many": {"lease": "a.b.c", "profile": "default"},
}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("body", ENDS.values(), ids=ENDS.keys())
def test_an_end_that_is_not_the_contract(shop, body):
    """Ending a conversation takes its lease, and nothing else."""
    answer = shop.post("/lease/end", json.dumps(body).encode())
    assert (answer.status, answer.code) == (400, "invalid-request")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("name", ["nobody-has-this", "staff", "../default", "default\0", "DEFAULT"])
def test_a_profile_that_is_not_for_the_caller(shop, visitor, name):
    """An unknown profile and one not allowed are told in the same words; a guest has to sign in."""
    refused = shop.post("/token", {"profile": name}, bearer=visitor())
    assert (refused.status, refused.code) == (403, "profile-not-allowed")
    assert name not in refused.json["detail"]
    guest = shop.post("/token", {"profile": name})
    assert (guest.status, guest.code) == (401, "authentication-required")
    assert guest.headers["www-authenticate"] == 'Bearer realm="token"'


def _padded(length: int) -> bytes:
    body = b'{"profile": "default"}'
    return body + b" " * (length - len(body))


def test_the_longest_body(shop):
    """A body of 16 KB is taken, told its length or in chunks."""
    headers = {"Content-Type": "application/json"}
    assert shop.post("/token", _padded(LONGEST)).status == 200
    told = request(
        "POST",
        "/token",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=chunked(_padded(LONGEST)),
    )
    assert exchange(shop.url, told).status == 200
    assert headers


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([], _padded(LONGEST + 1)),
        (["Transfer-Encoding: chunked"], chunked(_padded(LONGEST + 1))),
        (["Transfer-Encoding: chunked"], chunked(_padded(200_000))),
        (["Content-Length: 99999999999"], b"{}"),
    ],
    ids=["one byte more", "one byte more in chunks", "a flood in chunks", "more than it sends"],
)
@pytest.mark.parametrize("path", ["/token", "/login"])
def test_a_body_over_the_limit(shop, path, headers, body):
    """Over 16 KB is refused, whether or not the length is told beforehand."""
    told = request("POST", path, "Content-Type: application/json", *headers, body=body)
    answer = exchange(shop.url, told)
    assert (answer.status, answer.code) == (413, "too-large")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "declared",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "text/json",
        "application/json-patch+json",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/token", "/login"])
def test_a_body_of_another_type(shop, path, declared):
    """A body not declared as JSON is refused: a form of another site cannot send it."""
    body = b'{"username": "ada", "password": "x"}' if path == "/login" else b'{"profile":"default"}'
    answer = shop.post(path, body, headers={"Content-Type": declared})
    assert (answer.status, answer.code) == (415, "unsupported-media-type")


def test_a_body_of_the_right_type_spelled_otherwise(shop):
    """The type's case and its parameters do not matter (RFC 9110, section 8.3.1)."""
    declared = {"Content-Type": "Application/JSON; charset=UTF-8"}
    assert shop.post("/token", b"{}", headers=declared).status == 200

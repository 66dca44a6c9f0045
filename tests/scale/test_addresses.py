"""Behind a real nginx: whose address is believed, and which site's pages are served."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

from scale import nginx
from scale.shops import shop
from service import site

CLIENT = "127.0.0.5"
PUBLIC_URL, LISTED = "https://tokens.example.com", "https://www.example.com"
CONFIGURATION = shop(
    http=f"""public_url = "{PUBLIC_URL}"
origins = ["{LISTED}"]
trusted_proxies = ["{nginx.PROXY}/32", "{nginx.OUTER_PROXY}/32"]""",
    default="",
    scarce='limits = ["3/hour"]',
)
FORGERIES = {
    "nothing": [],
    "an address": [("X-Forwarded-For", "6.6.6.6")],
    "several": [("X-Forwarded-For", "6.6.6.6, 7.7.7.7,8.8.8.8")],
    "two lines": [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "7.7.7.7")],
    "a trusted proxy's": [("X-Forwarded-For", f"6.6.6.6, {nginx.PROXY}")],
    "this machine's": [("X-Forwarded-For", "127.0.0.1")],
    "an IPv6 one": [("X-Forwarded-For", "[2001:db8::6]:80")],
    "an IPv6 one of a proxy": [("X-Forwarded-For", f"6.6.6.6, ::ffff:{nginx.PROXY}")],
    "no address": [("X-Forwarded-For", "unknown, _hidden, '\"; --")],
    "an empty one": [("X-Forwarded-For", "")],
    "commas": [("X-Forwarded-For", "," * 500)],
    "a long one": [("X-Forwarded-For", "6.6.6.6, " * 400 + "6.6.6.6")],
    "another spelling": [("X_Forwarded_For", "6.6.6.6"), ("x-forwarded-for", "7.7.7.7")],
    "another header": [
        ("X-Real-IP", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6"),
        ("True-Client-IP", "6.6.6.6"),
        ("CF-Connecting-IP", "6.6.6.6"),
        ("X-Client-IP", "6.6.6.6"),
        ("X-Forwarded-Host", "evil.test"),
    ],
}


@pytest.fixture(name="fleet", scope="module")
def _fleet(start_fleet):
    return start_fleet(CONFIGURATION)


@pytest.fixture(name="doors", scope="module")
def _doors(fleet, new_folder):
    with nginx.in_front_of(new_folder(), [fleet.first.url]) as (appending, overwriting, outer):
        yield {
            "appending": appending.url,
            "overwriting": overwriting.url,
            "behind another": outer.url,
            "direct": fleet.first.url,
        }


def _post(url, headers=(), *, body="", bearer=None):
    """POST /token from `CLIENT`; status, headers, and the audited address."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname, parts.port, timeout=60, source_address=(CLIENT, 0)
    )
    try:
        connection.putrequest("POST", "/token", skip_host=True)
        connection.putheader("Host", "tokens.example.com")
        connection.putheader("Content-Length", str(len(body)))
        if body:
            connection.putheader("Content-Type", "application/json")
        if bearer:
            connection.putheader("Authorization", f"Bearer {bearer}")
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


@pytest.mark.parametrize("door", ["appending", "overwriting", "behind another", "direct"])
def test_an_address_of_ones_own_choosing(fleet, doors, door):
    """Whatever a client claims, the audit has the address that it came from."""
    for name, headers in FORGERIES.items():
        answer = _post(doors[door], headers)
        assert answer.status == 200, name
        request = answer.headers["X-Request-Id"]
        query = "select distinct address from events where request_id = :request"
        assert [row.address for row in fleet.rows(query, request=request)] == [CLIENT], name


def test_a_guest_who_claims_to_be_many(doors):
    """The limit by address counts the address that it is."""
    statuses = [
        _post(doors["appending"], [("X-Forwarded-For", f"9.9.9.{n}")], body='{"profile":"scarce"}')
        for n in range(5)
    ]
    assert [answer.status for answer in statuses] == [200, 200, 200, 429, 429]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (PUBLIC_URL, 200),
        (LISTED, 200),
        ("http://tokens.example.com", 403),
        ("https://tokens.example.com:8443", 403),
        ("https://tokens.example.com.evil.test", 403),
        ("https://evil.test", 403),
        ("http://localhost", 403),
        ("http://127.0.0.1:8080", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_an_origin(doors, google, origin, status):
    """Its own and the listed ones are served; a foreign one is refused and mints nothing."""
    answer = _post(doors["appending"], [("Origin", origin)], bearer=site.signed())

    assert answer.status == status
    assert len(google.received) == (1 if status == 200 else 0)
    vary = {name.strip().lower() for name in answer.headers.get("Vary", "").split(",")}
    assert "origin" in vary
    shared = answer.headers.get("Access-Control-Allow-Origin")
    assert shared == (LISTED if origin == LISTED else None)


def test_an_answer_without_an_origin(doors):
    """It says that it would differ with one, so that no cache gives it to another site."""
    assert "origin" in _post(doors["appending"]).headers["Vary"].lower()


def test_a_foreign_host(fleet, doors):
    """Nginx passes on what the client said, and the service does not answer for it."""
    answer = fleet.first.post("/token", headers={"Host": "evil.test"})
    assert (answer.status, answer.code) == (400, "invalid-host")
    parts = urlsplit(doors["appending"])
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request("POST", "/token", headers={"Host": "evil.test"})
    assert connection.getresponse().status == 400
    connection.close()

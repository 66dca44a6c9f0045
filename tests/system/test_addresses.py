"""Behind a real nginx: which addresses are trusted, and which origins and hosts are served."""

from __future__ import annotations

import http.client
from collections import Counter
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest

from system import clients, nginx, site
from system.configurations import configuration

CLIENT = "127.0.0.5"
PUBLIC_URL, LISTED = "https://tokens.example.com", "https://www.example.com"
CONFIGURATION = configuration(
    http=f"""public_url = "{PUBLIC_URL}"
origins = ["{LISTED}"]
trusted_proxies = ["{nginx.PROXY}/32", "{nginx.OUTER_PROXY}/32"]""",
    default="",
    scarce='limits = ["3/hour"]',
)
FORGERIES = {
    "no header": [],
    "an address": [("X-Forwarded-For", "6.6.6.6")],
    "several addresses": [("X-Forwarded-For", "6.6.6.6, 7.7.7.7,8.8.8.8")],
    "two lines": [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "7.7.7.7")],
    "a trusted proxy": [("X-Forwarded-For", f"6.6.6.6, {nginx.PROXY}")],
    "loopback": [("X-Forwarded-For", "127.0.0.1")],
    "IPv6": [("X-Forwarded-For", "[2001:db8::6]:80")],
    "a trusted proxy as IPv6": [("X-Forwarded-For", f"6.6.6.6, ::ffff:{nginx.PROXY}")],
    "not an address": [("X-Forwarded-For", "unknown, _hidden, '\"; --")],
    "empty": [("X-Forwarded-For", "")],
    "commas": [("X-Forwarded-For", "," * 500)],
    "long": [("X-Forwarded-For", "6.6.6.6, " * 400 + "6.6.6.6")],
    "other spellings": [("X_Forwarded_For", "6.6.6.6"), ("x-forwarded-for", "7.7.7.7")],
    "other headers": [
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


@pytest.fixture(name="proxies", scope="module")
def _proxies(fleet, new_folder):
    with nginx.in_front_of(new_folder(), [fleet.first.url]) as (appending, overwriting, outer):
        yield {
            "appending": appending.url,
            "overwriting": overwriting.url,
            "behind another": outer.url,
            "direct": fleet.first.url,
        }


def _post(url, headers=(), *, body="", bearer=None):
    """Send POST /token from `CLIENT`; return the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60, source_address=(CLIENT, 0))
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


@pytest.mark.parametrize("proxy", ["appending", "overwriting", "behind another", "direct"])
def test_forged_headers_do_not_change_the_recorded_address(fleet, proxies, proxy):
    for name, headers in FORGERIES.items():
        answer = _post(proxies[proxy], headers)
        assert answer.status == 200, name
        request = answer.headers["X-Request-Id"]
        query = "select distinct address from events where request_id = :request"
        assert [row.address for row in fleet.rows(query, request=request)] == [CLIENT], name


def test_forged_addresses_do_not_evade_the_limit_by_address(proxies):
    statuses = [
        _post(proxies["appending"], [("X-Forwarded-For", f"9.9.9.{n}")], body='{"profile":"scarce"}') for n in range(5)
    ]
    assert [answer.status for answer in statuses] == [200, 200, 200, 429, 429]


def test_thousand_addresses_of_one_ipv6_network_count_as_one(fleet):
    """A visitor with a /64 can send every request from another address."""

    def ask(addresses):
        body = {"profile": "scarce"}
        requests = [(each, clients.post(body=body, headers=[f"X-Forwarded-For: {each}"])) for each in addresses]
        replies = clients.send_all(fleet.first.url, requests, source=nginx.PROXY)
        return Counter(reply.status for reply in replies)

    network = ip_network("2001:db8:0:1::/64")
    addresses = [network[number << 50 | number] for number in range(1000)]
    assert ask(addresses) == {200: 3, 429: 997}
    assert ask(["2001:db8:0:2::1"]) == {200: 1}  # another network


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
def test_own_and_listed_origins_are_served_and_any_other_mints_nothing(proxies, fresh_google, origin, status):
    answer = _post(proxies["appending"], [("Origin", origin)], bearer=site.signed())

    assert answer.status == status
    assert len(fresh_google.received) == (1 if status == 200 else 0)
    vary = {name.strip().lower() for name in answer.headers.get("Vary", "").split(",")}
    assert "origin" in vary
    shared = answer.headers.get("Access-Control-Allow-Origin")
    assert shared == (LISTED if origin == LISTED else None)


def test_answer_without_an_origin_varies_by_origin(proxies):
    """Otherwise a cache could serve it to another site."""
    assert "origin" in _post(proxies["appending"]).headers["Vary"].lower()


def test_foreign_host_is_refused_directly_and_behind_nginx(fleet, proxies):
    answer = fleet.first.post("/token", headers={"Host": "evil.test"})
    assert (answer.status, answer.code) == (400, "invalid-host")
    parts = urlsplit(proxies["appending"])
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request("POST", "/token", headers={"Host": "evil.test"})
    assert connection.getresponse().status == 400
    connection.close()

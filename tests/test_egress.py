"""Outgoing requests through a real proxy, to a real TLS server."""

import socket
import ssl
import time
from contextlib import closing

import pytest
import trustme

import connect_proxy
from tokensvc.config.egress import Egress
from tokensvc.errors import ConfigurationError
from tokensvc.http_client import BoundedHttpClient
from upstream_for_tests import answering, http_answer, upstream


@pytest.fixture(name="authority", scope="module")
def _authority():
    return trustme.CA()


@pytest.fixture(name="proxy")
def _proxy():
    with connect_proxy.connect_proxy() as proxy:
        yield proxy


@pytest.fixture(name="google")
def _google(authority, monkeypatch, tmp_path):
    """A TLS server for “localhost” that answers two requests; yield its URL and the requests."""
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def encrypted(connection, received):
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                answering(http_answer(), http_answer())(secured, received)
        except OSError:
            pass  # the client refused the certificate, or was never connected

    with upstream(encrypted) as (url, received):
        yield url.replace("http://127.0.0.1", "https://localhost"), received


def through(proxy, url, *, credentials="", seconds=5.0, requests=1):
    """Send requests through the proxy and return their statuses."""
    address = proxy.url.replace("://", f"://{credentials}@" if credentials else "://")
    egress = Egress.read({"HTTPS_PROXY": address})
    with closing(BoundedHttpClient(url, proxy=egress.proxy_for(url))) as client:
        deadline = time.monotonic() + seconds
        return [client.get("/keys", {}, deadline=deadline).status for _ in range(requests)]


def test_requests_share_a_tunnel_and_its_tls_is_with_the_origin(proxy, google):
    url, received = google

    assert through(proxy, url, requests=2) == [200, 200]
    assert proxy.targets == [url.removeprefix("https://")]
    assert len(received) == 2
    assert b"GET /keys HTTP/1.1" in received[0]


@pytest.mark.parametrize(
    ("written", "sent"),
    [("ada:s%40crét%3A1", "ada:s@crét:1"), ("ada", "ada:"), ("ada:", "ada:"), ("", None)],
)
def test_credentials_go_to_the_proxy_alone(proxy, google, written, sent):
    url, received = google
    through(proxy, url, credentials=written)

    assert proxy.credentials == [sent]
    assert b"roxy" not in received[0]


def test_certificate_of_another_host_is_refused_behind_a_proxy(proxy, google):
    url, received = google
    with pytest.raises(ssl.SSLCertVerificationError):
        through(proxy, url.replace("localhost", "127.0.0.1"))

    assert received == []


@pytest.mark.parametrize(
    "opened",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + connect_proxy.OPENED,
    ],
)
def test_tunnel_may_be_opened_in_any_form_of_success(proxy, google, opened):
    proxy.opened = opened

    assert through(proxy, google[0]) == [200]


UNUSABLE = {
    "authentication required": b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\nno",
    "forbidden": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
    "bad gateway": b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "a page": b"<html>Sign in to the hotel's network</html>\r\n\r\n",
    "a closed connection": b"",
    "half a response": b"HTTP/1.1 200 Conn",
    "bytes after the response": connect_proxy.OPENED + b"\x16\x03\x01",
    "an endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
}


@pytest.mark.parametrize("content", UNUSABLE.values(), ids=UNUSABLE)
def test_proxy_that_opens_no_tunnel_is_an_error(proxy, google, content):
    proxy.answer = connect_proxy.answering(content)
    with pytest.raises(OSError, match=r".") as failed:
        through(proxy, google[0], credentials="ada:secret")

    assert not isinstance(failed.value, TimeoutError)
    assert "secret" not in str(failed.value)
    assert google[1] == []


@pytest.mark.parametrize("answer", [connect_proxy.hanging, connect_proxy.dripping])
def test_deadline_covers_the_wait_for_the_tunnel(proxy, google, answer):
    proxy.answer = answer
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        through(proxy, google[0], seconds=0.3)

    assert time.monotonic() - started < 2


def test_proxy_that_is_not_there_is_an_error(google):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    proxy = connect_proxy.ConnectProxy(f"http://127.0.0.1:{port}")
    with pytest.raises(ConnectionRefusedError):
        through(proxy, google[0])


GOOGLE = "https://generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTP_PROXY": "http://proxy:3128"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, ("proxy", 3128)),
        ({"https_proxy": "http://proxy:3128/"}, ("proxy", 3128)),
        ({"https_proxy": "http://lower:1", "HTTPS_PROXY": "http://upper:2"}, ("lower", 1)),
        ({"https_proxy": "", "HTTPS_PROXY": "http://upper:2"}, ("upper", 2)),
        ({"HTTPS_PROXY": "proxy:3128"}, ("proxy", 3128)),
        ({"HTTPS_PROXY": "http://proxy"}, ("proxy", 80)),
        ({"HTTPS_PROXY": "HTTP://Proxy.Example:3128"}, ("proxy.example", 3128)),
        ({"HTTPS_PROXY": "http://[2001:db8::1]:3128"}, ("2001:db8::1", 3128)),
        ({"HTTPS_PROXY": ' "http://proxy:3128"\r\n'}, ("proxy", 3128)),
        ({"HTTPS_PROXY": "ada:secret@proxy:3128"}, ("proxy", 3128)),
    ],
)
def test_proxy_is_read_from_the_environment(environment, expected):
    proxy = Egress.read(environment).proxy_for(GOOGLE)

    assert (proxy and (proxy.host, proxy.port)) == expected


@pytest.mark.parametrize(
    "value",
    [
        "https://proxy:3128",
        "socks5://ada:secret@proxy:1080",
        "socks5h://proxy",
        "http://",
        "http://:3128",
        "http://proxy:99999",
        "http://ada:secret@proxy:port",
        "http://[::1",
        "http://proxy:3128/path",
        "http://pro xy:3128",
    ],
)
def test_proxy_that_cannot_be_used_is_refused_without_its_password(value):
    with pytest.raises(ConfigurationError) as refused:
        Egress.read({"HTTPS_PROXY": value})

    assert "HTTPS_PROXY: write http://host:port" in refused.value.report()
    assert "secret" not in refused.value.report()


def test_password_of_the_proxy_is_never_shown():
    egress = Egress.read({"HTTPS_PROXY": "http://ada:secret@proxy:3128"})
    proxy = egress.proxy_for(GOOGLE)

    assert "secret" not in f"{proxy} {proxy!r} {egress!r}"
    assert str(proxy) == "the proxy http://proxy:3128"


@pytest.mark.parametrize(
    ("exceptions", "url", "exempt"),
    [
        ("*", GOOGLE, True),
        ("generativelanguage.googleapis.com", GOOGLE, True),
        ("GoogleAPIs.com", GOOGLE, True),
        (".googleapis.com", GOOGLE, True),
        ("*.googleapis.com", GOOGLE, True),
        ("localhost, .googleapis.com", GOOGLE, True),
        ("localhost .googleapis.com", GOOGLE, True),
        ("googleapis.com:443", GOOGLE, True),
        ("googleapis.com:8443", GOOGLE, False),
        ("googleapis.com:8443", "https://keys.googleapis.com:8443/x", True),
        ("apis.com", GOOGLE, False),
        ("language.googleapis.com", GOOGLE, False),
        ("www.generativelanguage.googleapis.com", GOOGLE, False),
        ("googleapis.com.", GOOGLE, True),
        ("googleapis.com", GOOGLE + ".", True),
        ("", GOOGLE, False),
        (" , ,", GOOGLE, False),
        ("10.0.0.0/8", "https://10.1.2.3/keys", True),
        ("10.0.0.0/8", "https://11.1.2.3/keys", False),
        ("10.1.2.3", "https://10.1.2.3/keys", True),
        ("10.1.2.3:443", "https://10.1.2.3/keys", True),
        ("2001:db8::/32", "https://[2001:db8::7]/keys", True),
        ("[2001:db8::7]", "https://[2001:db8::7]/keys", True),
        ("[2001:db8::7]:443", "https://[2001:db8::7]/keys", True),
        ("[2001:db8::7]:8443", "https://[2001:db8::7]/keys", False),
        ("2001:db8::7", "https://[2001:db8::8]/keys", False),
    ],
)
def test_no_proxy_exempts_hosts_domains_networks_and_ports(exceptions, url, exempt):
    for name in ("NO_PROXY", "no_proxy"):
        egress = Egress.read({"HTTPS_PROXY": "http://proxy:3128", name: exceptions})
        assert (egress.proxy_for(url) is None) == exempt

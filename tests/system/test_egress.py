"""The whole service behind a proxy, without which it reaches nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connect_proxy import answering, connect_proxy, hanging
from programs import service_environment, serving, share_compiled_profiles
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.server.emulator import ListenConfig

KEYS = "https://keys.example.test/jwks.json"
CONFIGURATION = f"""
[[issuers]]
name = "shop"
issuer = "https://shop.test/"
audience = "https://tokens.test/"
algorithms = ["RS256"]
jwks_url = "{KEYS}"
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
"""


@pytest.fixture(name="proxy", scope="module")
def _proxy():
    with connect_proxy() as proxy:
        yield proxy


@pytest.fixture(name="environment", scope="module")
def _environment(tmp_path_factory, proxy):
    folder = tmp_path_factory.mktemp("egress")
    share_compiled_profiles(folder)
    with BackgroundEmulator(listen=ListenConfig(tls=True)) as emulator:
        yield service_environment(
            folder,
            CONFIGURATION,
            emulator.url,
            SSL_CERT_FILE=str(emulator.certificate_file),
            HTTPS_PROXY=proxy.url.replace("://", "://ada:hunter2@"),
            NO_PROXY="other.test",
        )


@pytest.fixture(name="service", scope="module")
def _service(environment):
    with serving(environment, workers=1) as service:
        yield service
    assert not any("hunter2" in line for line in service.lines)


def test_mints_and_key_sets_go_through_the_proxy(service, proxy, environment):
    google = environment["TOKENSVC_GEMINI_BASE_URL"].removeprefix("https://")

    assert service.post("/token").status == 200
    service.await_line("JWKS fetch failed")  # there is no such host
    assert {google, "keys.example.test:443"} <= set(proxy.targets)
    assert set(proxy.credentials) == {"ada:hunter2"}


@pytest.mark.parametrize(
    ("answer", "status", "cause"),
    [
        (
            answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
            502,
            "OSError: proxy answered 407",
        ),
        (answering(b"garbage\r\n\r\n"), 502, "OSError: not an HTTP response"),
        (hanging, 504, "no complete answer within 5.0 s"),
    ],
)
def test_proxy_that_opens_no_tunnel_is_an_upstream_fault(environment, proxy, answer, status, cause):
    proxy.answer = answer
    try:
        with serving(environment, workers=1) as service:
            assert service.post("/token").status == status
            service.await_line(f'"cause": "{cause}')
    finally:
        proxy.answer = lambda *_: True
    assert not any("hunter2" in line for line in service.lines)


@pytest.mark.parametrize(("exceptions", "through"), [("", True), ("keys.example.test", False)])
def test_check_names_the_proxy_of_each_address_without_its_password(environment, proxy, exceptions, through):
    checked = subprocess.run(
        [sys.executable, "-m", "tokensvc", "check"],
        env=environment | {"NO_PROXY": exceptions},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    google = environment["TOKENSVC_GEMINI_BASE_URL"]

    assert f"{google} is reached through the proxy {proxy.url}\n" in checked
    expected = f"through the proxy {proxy.url}" if through else "directly"
    assert f"{KEYS} is reached {expected}\n" in checked
    assert "hunter2" not in checked


def test_proxy_that_is_not_supported_is_named_at_the_start(environment):
    done = subprocess.run(
        [sys.executable, "-m", "tokensvc", "check"],
        env=environment | {"HTTPS_PROXY": "socks5://ada:hunter2@proxy:1080"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "HTTPS_PROXY: write http://host:port" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr

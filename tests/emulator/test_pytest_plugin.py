"""The fixtures for other people's tests."""

# ruff: noqa: S310 - our own address

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import pytest

from tokensvc.emulator import Options
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.faults.fault import FaultError
from tokensvc.emulator.pytest_plugin import (  # noqa: F401 - fixtures are used by name
    live_emulator,
    live_emulator_options,
    live_emulator_tls,
)
from tokensvc.emulator.server.emulator import Place


def mint(emulator):
    request = urllib.request.Request(
        f"{emulator.url}/v1beta/auth_tokens", b"{}", {"x-goog-api-key": "k"}, method="POST"
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["name"]


def test_live_emulator(live_emulator):  # noqa: F811 - the fixture
    """A test that is not async has a Live API, and can look into it."""
    mint(live_emulator)

    assert [token["number"] for token in live_emulator.tokens()] == [1]
    assert live_emulator.websocket_url().startswith("ws://127.0.0.1:")
    assert live_emulator.sessions() == []


def test_live_emulator_tls(live_emulator_tls):  # noqa: F811 - the fixture
    """Over TLS it says which certificate to trust."""
    assert live_emulator_tls.url.startswith("https://")
    assert "BEGIN CERTIFICATE" in live_emulator_tls.certificate_file.read_text()


def test_faults_from_a_test(live_emulator):  # noqa: F811 - the fixture
    """A test can let things go wrong, in kinds that there are."""
    live_emulator.fault("mint", "status", status=429)
    with pytest.raises(urllib.error.HTTPError, match="429"):
        mint(live_emulator)
    with pytest.raises(FaultError):
        live_emulator.fault("mint", "earthquake")


def test_waiting_in_vain():
    """What does not happen is said after a while."""
    with (
        BackgroundEmulator(Options()) as emulator,
        pytest.raises(TimeoutError, match="No session"),
    ):
        emulator.session_when(lambda _: True, patience=0.05)


def test_port_that_is_taken():
    """It is an error on entering, as it is without a thread."""
    with BackgroundEmulator() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), BackgroundEmulator(place=Place(port=port)):
            pass


def test_plugin_where_the_extra_is_missing():
    """Every pytest run imports it; it needs nothing that the extra brings, until it is used."""
    check = (
        "import sys, tokensvc.emulator.pytest_plugin as plugin;"
        "assert plugin.live_emulator;"
        "assert not {'aiohttp', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", check], check=True)

"""The pytest fixtures for the tests of sites."""

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
from tokensvc.emulator.server.emulator import ListenConfig


def mint(emulator):
    request = urllib.request.Request(
        f"{emulator.url}/v1beta/auth_tokens", b"{}", {"x-goog-api-key": "k"}, method="POST"
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["name"]


def test_fixture_provides_a_live_api(live_emulator):  # noqa: F811 - the fixture
    mint(live_emulator)

    assert [token["number"] for token in live_emulator.tokens()] == [1]
    assert live_emulator.websocket_url().startswith("ws://127.0.0.1:")
    assert live_emulator.sessions() == []


def test_tls_fixture_provides_the_certificate_to_trust(live_emulator_tls):  # noqa: F811 - the fixture
    assert live_emulator_tls.url.startswith("https://")
    assert "BEGIN CERTIFICATE" in live_emulator_tls.certificate_file.read_text()


def test_faults_can_be_queued_from_a_test(live_emulator):  # noqa: F811 - the fixture
    live_emulator.fault("mint", "status", status=429)
    with pytest.raises(urllib.error.HTTPError, match="429"):
        mint(live_emulator)
    with pytest.raises(FaultError):
        live_emulator.fault("mint", "earthquake")


def test_waiting_for_a_session_times_out():
    with (
        BackgroundEmulator(Options()) as emulator,
        pytest.raises(TimeoutError, match="No session"),
    ):
        emulator.wait_for_session(lambda _: True, timeout=0.05)


def test_port_in_use_is_an_error_on_entering():
    with BackgroundEmulator() as first:
        port = int(first.url.rpartition(":")[2])
        with (
            pytest.raises(OSError, match="in use"),
            BackgroundEmulator(listen=ListenConfig(port=port)),
        ):
            pass


def test_plugin_can_be_imported_without_the_extra():
    """Every pytest run imports the plugin, whether or not aiohttp and numpy are installed."""
    check = (
        "import sys, tokensvc.emulator.pytest_plugin as plugin;"
        "assert plugin.live_emulator;"
        "assert not {'aiohttp', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", check], check=True)

"""The command line of the emulator."""

# ruff: noqa: S310 - our own address

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

from click.testing import CliRunner

from tokensvc.emulator import Options
from tokensvc.emulator.command import emulator

COMMAND = (sys.executable, "-m", "tokensvc.emulator")


@contextmanager
def running(*flags):
    """Start an emulator; provide its process and the address that it printed."""
    child = subprocess.Popen(
        [*COMMAND, "--port", "0", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = child.stdout.readline()
        assert line.startswith("Live API emulator on http"), child.stderr.read()
        yield child, line.split()[-1]
    finally:
        child.terminate()
        child.communicate(timeout=20)


def test_emulator_prints_its_address_and_stops_cleanly_on_a_signal():
    """SIGTERM and Ctrl-C end it with code 0 and without output on standard error."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with running() as (child, url):
            with urllib.request.urlopen(f"{url}/emulator") as page:
                assert b"Live API emulator" in page.read()
            child.send_signal(number)
            _, errors = child.communicate(timeout=20)
            assert (child.returncode, errors) == (0, "")


def test_tls_certificate_is_trusted_for_its_names(tmp_path):
    path = tmp_path / "certificate.pem"
    with running("--tls", "--certificate-file", str(path)) as (_, url):
        trust = ssl.create_default_context(cafile=path)
        for host in ("127.0.0.1", "localhost"):
            address = f"{url.replace('127.0.0.1', host)}/emulator/mints"
            with urllib.request.urlopen(address, context=trust) as answer:
                assert b"minted" in answer.read()


def test_emulator_names_the_flag_of_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = CliRunner().invoke(emulator, ["--port", str(port)])
    assert refused.exit_code == 1
    assert f"Port {port} is in use" in refused.output
    assert "--port" in refused.output


def test_invalid_scenario_is_refused_before_listening(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text("[[turn]]\nsya = 1")
    refused = CliRunner().invoke(emulator, ["--scenario", str(path)])
    assert refused.exit_code == 1
    assert "turn 1: unknown key 'sya'" in refused.output


def test_help_lists_every_option():
    output = CliRunner().invoke(emulator, ["--help"]).output
    for name in Options.__dataclass_fields__:
        assert f"--{name.replace('_', '-').removesuffix('s')}" in output


def test_rate_of_zero_is_refused():
    refused = CliRunner().invoke(emulator, ["--send-rate", "0"])
    assert refused.exit_code == 2
    assert "--send-rate" in refused.output

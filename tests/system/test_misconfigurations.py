"""A start with a misconfiguration ends at once, and reports it in one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from config.misconfigurations import MISCONFIGURATIONS, PROFILE, Wrong

FLAGS = {
    "empty host": (["--host", ""], "--host is empty: write 127.0.0.1"),
    "blank host": (["--host", " "], "--host is empty: write 127.0.0.1"),
    "host that is a URL": (["--host", "http://0.0.0.0"], "--host http://0.0.0.0 is not an address"),
    "port too high": (["--port", "99999"], "--port 99999 is not a port: write one up to 65535"),
    "negative port": (["--port", "-1"], "--port -1 is not a port: write one up to 65535"),
    "no workers": (["--workers", "0"], "'--workers': 0 is not in the range 1<="),
}

# Only a start uses what these say.
OF_A_START = {"PORT", "WEB_CONCURRENCY"}
# One of each kind: tests/config/ tries all of them with `tokensvc check`, which reads them as a start does.
SAMPLED = {
    "secret not set",
    "API key of a placeholder",
    "upstream in the clear",
    "another database",
    "configuration is a folder",
    "no file",
    "text without quotes",
    "key twice",
    "origin with a path",
    "public URL without https",
    "allow nearly right",
    "tokens longer than the session",
    "limit in words",
    "issuer without an audience",
    "secret of an issuer not set",
}


def _serve(environment: dict[str, str], *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tokensvc", "serve", "--port", "0", *flags],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if wrong.environment.keys() & OF_A_START or name in SAMPLED else pytest.mark.soak)
        for name, wrong in MISCONFIGURATIONS.items()
    ],
)
def test_start_reports_a_misconfiguration_in_one_line_with_its_fix(tmp_path, name):
    wrong = MISCONFIGURATIONS[name]
    done = _serve(wrong.prepared(tmp_path))
    line = wrong.report_line(done.stdout + done.stderr)

    print(f"\n{name:38}{line.strip()}")  # noqa: T201 - shown by -s
    assert done.returncode == 2
    assert "Listening" not in done.stdout


@pytest.mark.parametrize("name", FLAGS)
def test_flag_that_cannot_work_is_refused(tmp_path, name):
    flags, named = FLAGS[name]
    done = _serve(Wrong(()).prepared(tmp_path), *flags)

    assert done.returncode == 2
    assert named in done.stderr


def test_bind_address_without_a_host_needs_a_public_url(tmp_path):
    """Without a host, gunicorn listens on every address."""
    gunicorn = ["-m", "gunicorn", "--config", "python:tokensvc.serving", "--bind", ":0"]
    done = subprocess.run(
        [sys.executable, *gunicorn, "tokensvc.app:create_app()"],
        env=Wrong((), PROFILE).prepared(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 2
    assert "http.public_url: is missing" in done.stderr
    assert "every address" in done.stderr

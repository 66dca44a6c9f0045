"""The tests that Google ships in the Python SDK's wheel, unmodified, against the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from google import genai

HERE = Path(__file__).parent
SDK_TESTS = Path(genai.__file__).parent / "tests"


@pytest.mark.parametrize(
    ("suite", "passing"),
    [
        pytest.param("tokens", 9, id="minting with every kind of lock"),
        pytest.param("live_api", 4, id="a turn, the context, a tool, an answer without id"),
    ],
)
def test_sdk_own_tests(tls_emulator, tmp_path, suite, passing):
    """All pass; only those for Vertex, which is another product, are left out by their own rule."""
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n")
    replays = tmp_path / "replays"
    replays.mkdir()

    finished = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-c", settings, "-p", "sdk_at_emulator", "--mode=api"),
            *("-o", "consider_namespace_packages=true", SDK_TESTS / suite),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(HERE),
            "LIVE_EMULATOR_URL": tls_emulator.url,
            "SSL_CERT_FILE": str(tls_emulator.certificate_file),
            "GOOGLE_API_KEY": "test",
            "GOOGLE_GENAI_RUN_GEMINI_ONLY_IN_API_MODE": "1",
            "GOOGLE_GENAI_REPLAYS_DIRECTORY": str(replays),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout[-5000:] + finished.stderr[-2000:]
    assert f"{passing} passed" in finished.stdout

"""Emulators without delays, for Google's SDKs."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.peers import javascript
from emulator.live_client import QUICK, speech
from programs import report_of
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.server.emulator import ListenConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent


@pytest.fixture(name="tls_emulator", scope="module")
def _tls_emulator() -> Iterator[BackgroundEmulator]:
    """Provide an emulator with TLS, which the Python SDK requires."""
    with BackgroundEmulator(QUICK, listen=ListenConfig(tls=True)) as emulator:
        yield emulator


@pytest.fixture(name="plain_emulator", scope="module")
def _plain_emulator() -> Iterator[BackgroundEmulator]:
    """Provide an emulator over plain HTTP, which is enough for the JavaScript SDK."""
    with BackgroundEmulator(QUICK) as emulator:
        yield emulator


@pytest.fixture(name="trust", scope="module")
def _trust(tls_emulator: BackgroundEmulator) -> ssl.SSLContext:
    """Provide a context that only trusts the emulator's certificate."""
    return ssl.create_default_context(cafile=tls_emulator.certificate_file)


@pytest.fixture(name="speech_file", scope="session")
def _speech_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a file with 1.5 s of a voice and 1.2 s of silence, raw PCM at 16 kHz."""
    path = tmp_path_factory.mktemp("speech") / "speech.pcm"
    path.write_bytes(speech(1.5))
    return path


@pytest.fixture(name="node")
def _node() -> Callable[..., Any]:
    """Return a function that runs a script of this folder with Node.js and parses its output."""

    def run(script: str, *arguments: str, **environment: str) -> Any:
        return report_of([javascript.NODE, HERE / script, *arguments], **environment)

    return run

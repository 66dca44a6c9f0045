"""Emulators that answer at once, for Google's own SDKs; and tests that are coroutines."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulator.talking import QUICK, speech
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.server.emulator import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 - as pytest's own caller does
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(name="tls_emulator", scope="module")
def _tls_emulator() -> Iterator[BackgroundEmulator]:
    """Over TLS, as the Python SDK needs it."""
    with BackgroundEmulator(QUICK, place=Place(tls=True)) as emulator:
        yield emulator


@pytest.fixture(name="plain_emulator", scope="module")
def _plain_emulator() -> Iterator[BackgroundEmulator]:
    """Over plain HTTP, as the JavaScript SDK can do."""
    with BackgroundEmulator(QUICK) as emulator:
        yield emulator


@pytest.fixture(name="trust", scope="module")
def _trust(tls_emulator: BackgroundEmulator) -> ssl.SSLContext:
    """A context that trusts the emulator's certificate and no other."""
    return ssl.create_default_context(cafile=tls_emulator.certificate_file)


@pytest.fixture(name="speech_file", scope="session")
def _speech_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.5 s of a voice and 1.2 s of silence, raw PCM at 16 kHz."""
    path = tmp_path_factory.mktemp("speech") / "speech.pcm"
    path.write_bytes(speech(1.5))
    return path


@pytest.fixture(name="node")
def _node() -> Callable[..., Any]:
    """Runs a script of this folder with node; what it prints is JSON."""

    def run(script: str, *arguments: str, **environment: str) -> Any:
        finished = subprocess.run(
            ["node", HERE / script, *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    return run

"""Pytest fixtures: a working `POST /token` for a site's own tests (`pip install tokensvc[emulator]`)."""

from __future__ import annotations

import secrets
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tokensvc.emulator.background import BackgroundEmulator


@pytest.fixture
def live_environment(
    live_emulator: BackgroundEmulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """Set the variables of a service that `live_emulator` answers, with an empty store of its own.

    `tokensvc.blueprint()` and `create_app()`, called in the test, read them. TOKENSVC_CONFIG stays
    as it is: it names the site's configuration.
    """
    from tokensvc.store.engine import open_or_create  # noqa: PLC0415 - imported only if it is used

    variables = {
        "GEMINI_API_KEY": "the-emulator-takes-any-key",
        "TOKENSVC_GEMINI_BASE_URL": live_emulator.url,
        "TOKENSVC_GEMINI_WEBSOCKET_URL": live_emulator.url.replace("http", "ws", 1),
        "TOKENSVC_SECRET_KEY": secrets.token_urlsafe(32),
        "TOKENSVC_DATA_DIR": str(tmp_path_factory.getbasetemp() / "tokensvc"),  # shared: profiles are compiled once
        "DATABASE_URL": f"sqlite:///{quote(str(tmp_path / 'tokensvc.db'))}",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    open_or_create(variables["DATABASE_URL"]).dispose()
    return variables


@pytest.fixture
def live_service(live_environment: dict[str, str]) -> Iterator[str]:  # noqa: ARG001 - it sets the environment
    """Provide the address of a service that runs in a thread, for sites that do not mount it."""
    from werkzeug.serving import make_server  # noqa: PLC0415 - as above

    from tokensvc.app import create_app  # noqa: PLC0415 - as above

    app = create_app()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, name="live-service", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    app.close()

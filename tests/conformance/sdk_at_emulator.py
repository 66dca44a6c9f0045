"""A pytest plugin that points the Python SDK's own tests at `LIVE_EMULATOR_URL`.

Their conftest creates its client directly and reads no environment variable for the base URL, so it
is set here.
"""

from __future__ import annotations

import os
from typing import Any

from google.genai._replay_api_client import ReplayApiClient
from google.genai.types import HttpOptions


def pytest_configure() -> None:
    original = ReplayApiClient.__init__

    def at_emulator(self: ReplayApiClient, http_options: Any = None, **named: Any) -> None:
        options = HttpOptions.model_validate(http_options or {})
        options.base_url = os.environ["LIVE_EMULATOR_URL"]
        original(self, http_options=options, **named)

    ReplayApiClient.__init__ = at_emulator

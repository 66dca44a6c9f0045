"""Pytest fixtures: a Live API for a site's own tests (`pip install tokensvc[emulator]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.emulator.background import BackgroundEmulator
    from tokensvc.emulator.options import Options


@pytest.fixture
def live_emulator_options() -> Options:
    """Provide the options of `live_emulator`; override this fixture to change them."""
    from tokensvc.emulator.options import Options  # noqa: PLC0415 - imported only if it is used

    return Options()


@pytest.fixture
def live_emulator(live_emulator_options: Options) -> Iterator[BackgroundEmulator]:
    """Provide a Live API on a free port, over plain http and ws."""
    from tokensvc.emulator.background import (  # noqa: PLC0415 - as above
        BackgroundEmulator,
    )

    with BackgroundEmulator(live_emulator_options) as emulator:
        yield emulator


@pytest.fixture
def live_emulator_tls(live_emulator_options: Options) -> Iterator[BackgroundEmulator]:
    """Provide a Live API over https and wss, as Google's Python SDK requires.

    Clients have to trust its `certificate_file`.
    """
    from tokensvc.emulator.background import (  # noqa: PLC0415 - as above
        BackgroundEmulator,
    )
    from tokensvc.emulator.server.emulator import ListenConfig  # noqa: PLC0415 - as above

    with BackgroundEmulator(live_emulator_options, listen=ListenConfig(tls=True)) as emulator:
        yield emulator

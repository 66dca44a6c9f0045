"""Pytest fixtures: a Live API for one's own tests (`pip install tokensvc[emulator]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.emulator.background import BackgroundEmulator
    from tokensvc.emulator.options import Options


@pytest.fixture
def live_emulator_options() -> Options:
    """The settings of `live_emulator`; override this fixture to change them."""
    from tokensvc.emulator.options import Options  # noqa: PLC0415 - loaded only where it is used

    return Options()


@pytest.fixture
def live_emulator(live_emulator_options: Options) -> Iterator[BackgroundEmulator]:
    """A Live API on a free port of this machine, plain http and ws."""
    from tokensvc.emulator.background import (  # noqa: PLC0415 - as above
        BackgroundEmulator,
    )

    with BackgroundEmulator(live_emulator_options) as emulator:
        yield emulator


@pytest.fixture
def live_emulator_tls(live_emulator_options: Options) -> Iterator[BackgroundEmulator]:
    """The same over https and wss, as Google's Python SDK needs it; see `certificate_file`."""
    from tokensvc.emulator.background import (  # noqa: PLC0415 - as above
        BackgroundEmulator,
    )
    from tokensvc.emulator.server.emulator import Place  # noqa: PLC0415 - as above

    with BackgroundEmulator(live_emulator_options, place=Place(tls=True)) as emulator:
        yield emulator

"""An emulator of the Live API: tokens and the Live WebSocket on one port, without an account.

It imports nothing from the service, so that a mistake in the service is not repeated here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokensvc.emulator.background import BackgroundEmulator
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.server.emulator import Emulator, ListenConfig

__all__ = ["BackgroundEmulator", "Emulator", "ListenConfig", "Options"]

_MODULES = {
    "BackgroundEmulator": "background",
    "Emulator": "server.emulator",
    "Options": "options",
    "ListenConfig": "server.emulator",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - depends on the name
    """Import a public name on first use.

    Pytest loads our plugin, and so this package, even where the extra `emulator` is not installed.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

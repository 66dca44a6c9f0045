"""A Live API of our own: tokens and the Live WebSocket, on one port, with no account.

It stands apart: it imports nothing of the service, so that it can prove the service wrong.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokensvc.emulator.background import BackgroundEmulator
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.server.emulator import Emulator, Place

__all__ = ["BackgroundEmulator", "Emulator", "Options", "Place"]

_HOMES = {
    "BackgroundEmulator": "background",
    "Emulator": "server.emulator",
    "Options": "options",
    "Place": "server.emulator",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as the name
    """Import a public name on first use: pytest loads the plugin where the extra is missing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""A Live API of our own: tokens and the Live WebSocket, on one port, with no account.

It stands apart: it imports nothing of the service, so that it can prove the service wrong.
"""

from tokensvc.emulator.options import Options
from tokensvc.emulator.server import Emulator, Place

__all__ = ["Emulator", "Options", "Place"]

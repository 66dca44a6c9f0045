"""The way out: messages to the client, in order, as the API frames them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web


class Outlet:
    """One connection's sending side."""

    def __init__(self, socket: web.WebSocketResponse, *, binary: bool) -> None:
        self._socket = socket
        self._binary = binary
        self.silent = False
        self.sent = 0

    async def send(self, **message: Any) -> None:  # noqa: ANN401 - proto-JSON
        """Send one message; nothing goes out once the connection is closing or silent."""
        if self.silent or self._socket.closed:
            return
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        try:
            if self._binary:
                await self._socket.send_bytes(text.encode())
            else:
                await self._socket.send_str(text)
        except ConnectionResetError:
            # The client has gone; the reading side notices by itself.
            self.silent = True
        else:
            self.sent += 1

    async def content(self, **fields: Any) -> None:  # noqa: ANN401 - proto-JSON
        """Send a ``serverContent``."""
        await self.send(serverContent=fields)

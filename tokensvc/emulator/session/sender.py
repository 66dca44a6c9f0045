"""Sends messages to the client, in order, framed as the API frames them."""

from __future__ import annotations

import json
from typing import Any, Protocol


class Socket(Protocol):
    """The sending side of a WebSocket."""

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""

    async def send_str(self, data: str) -> None:
        """Send a text frame."""

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""


class MessageSender:
    """Sends one connection's messages.

    Attributes:
        silent: Whether all further messages are dropped.
        waiting: Number of messages that the client has not accepted yet.
        sent: Number of messages sent.
    """

    def __init__(self, socket: Socket, *, binary: bool) -> None:
        self._socket = socket
        self._binary = binary
        self.silent = False
        self.waiting = 0
        self.sent = 0

    async def send(self, **message: Any) -> None:  # noqa: ANN401 - proto-JSON
        """Send one message, unless the connection is closed or silent."""
        if self.silent or self._socket.closed:
            return
        # The real service indents by two spaces, too.
        text = json.dumps(message, ensure_ascii=False, indent=2) + "\n"
        self.waiting += 1
        try:
            if self._binary:
                await self._socket.send_bytes(text.encode())
            else:
                await self._socket.send_str(text)
        except ConnectionResetError:
            # The client has gone, which the reading side notices as well.
            self.silent = True
        else:
            self.sent += 1
        finally:
            self.waiting -= 1

    async def send_content(self, **fields: Any) -> None:  # noqa: ANN401 - proto-JSON
        """Send a ``serverContent``."""
        await self.send(serverContent=fields)

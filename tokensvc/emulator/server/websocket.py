"""A line: one WebSocket, its frames until the client goes, and who ended it how."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Literal

from aiohttp import WebSocketError, WSMsgType, web

from tokensvc.emulator.protocol.errors import UNSENDABLE, Close, ClosedError, Closes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tokensvc.emulator.faults.socket import Trouble

log = logging.getLogger(__name__)
GONE = Close(1006, "")
GOING_AWAY = Close(1001, "")
NO_CODE = 1005
# Seconds that a close frame may take to be read and answered.
PARTING = 15.0
NORMAL = 1000


class Line:
    """One socket.

    Attributes:
        ending: Resolved with the close that the emulator decides on.
        trouble: The fault that is at work on it.
    """

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport | None
    ) -> None:
        self.socket = socket
        self._transport = transport
        self.ending: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self.trouble: Trouble | None = None
        self._left = GONE

    def end(self, close: Close) -> None:
        """Close the socket; the first to say so decides how."""
        if not self.ending.done():
            self.ending.set_result(close)

    async def frames(self) -> AsyncIterator[str | bytes]:
        """The client's frames until it goes.

        Raises:
            ClosedError: for a frame that breaks the WebSocket protocol.
        """
        while True:
            message = await self.socket.receive()
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                if self.trouble is not None:
                    await self.trouble.receiving()
                yield message.data
                continue
            if message.type is WSMsgType.CLOSE:
                self._left = Close(message.data or NO_CODE, message.extra or "")
            elif isinstance(message.data, WebSocketError):
                raise ClosedError(Close(message.data.code, str(message.data)))
            return

    def verdict(self, reading: asyncio.Task[None]) -> tuple[Close, Literal["client", "emulator"]]:
        """How the line ended and by whom, once its *reading* is over."""
        if self.ending.done():
            return self.ending.result(), "emulator"
        error = None if reading.cancelled() else reading.exception()
        if isinstance(error, ClosedError):
            return error.close, "emulator"
        if error is not None:
            log.error("a connection failed", exc_info=error)
            return Closes.internal, "emulator"
        return self._left, "client"

    async def hang_up(self, close: Close) -> None:
        """Send the close frame, or the answer to the client's; one who reads neither is cut off."""
        code = NORMAL if close.code in UNSENDABLE else close.code
        try:
            async with asyncio.timeout(PARTING):
                await self.socket.close(code=code, message=close.reason_bytes())
        except TimeoutError:
            if isinstance(self._transport, asyncio.WriteTransport):
                self._transport.abort()

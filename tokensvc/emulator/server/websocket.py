"""One WebSocket connection: its frames, and how and by whom it is closed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Literal

from aiohttp import WebSocketError, WSMsgType, web

from tokensvc.emulator.protocol.close_reasons import RESERVED_CODES, Close, CloseError, CloseReasons

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.faults.faulty_socket import FaultySocket

log = logging.getLogger(__name__)
ABNORMAL = Close(1006, "")  # the client sent no close frame
GOING_AWAY = Close(1001, "")
NO_CODE = 1005  # the client's close frame had no code
NORMAL = 1000
# Seconds for the client to read a close frame and reply to it.
CLOSE_TIMEOUT = 15.0


class WebSocketConnection:
    """A WebSocket, with or without a fault.

    Attributes:
        ending: Resolved with the close that the emulator decides on.
        last_frame: When a frame was last received or sent, in Unix seconds.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse | FaultySocket,
        transport: asyncio.BaseTransport | None,
        clock: Clock,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._clock = clock
        self.last_frame = clock.now()
        self.ending: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self._client_close = ABNORMAL

    def end(self, close: Close) -> None:
        """Close the connection; only the first call counts."""
        if not self.ending.done():
            self.ending.set_result(close)

    async def frames(self) -> AsyncIterator[str | bytes]:
        """Yield the client's frames until it closes the connection or disconnects.

        Raises:
            CloseError: for a frame that violates the WebSocket protocol.
        """
        while True:
            message = await self._socket.receive()
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                self.last_frame = self._clock.now()
                yield message.data
                continue
            if message.type is WSMsgType.CLOSE:
                self._client_close = Close(message.data or NO_CODE, message.extra or "")
            elif isinstance(message.data, WebSocketError):
                raise CloseError(Close(message.data.code, str(message.data)))
            return

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
        return self._socket.closed

    async def send_str(self, data: str) -> None:
        """Send a text frame."""
        self.last_frame = self._clock.now()
        await self._socket.send_str(data)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        self.last_frame = self._clock.now()
        await self._socket.send_bytes(data)

    def outcome(self, reading: asyncio.Task[None]) -> tuple[Close, Literal["client", "emulator"]]:
        """Return how the connection ended and by whom, once the *reading* task is done."""
        if self.ending.done():
            return self.ending.result(), "emulator"
        error = None if reading.cancelled() else reading.exception()
        if isinstance(error, CloseError):
            return error.close, "emulator"
        if error is not None:
            log.error("connection failed", exc_info=error)
            return CloseReasons.internal, "emulator"
        return self._client_close, "client"

    async def send_close(self, close: Close) -> None:
        """Send a close frame, or reply to the client's; abort if the client does not read it."""
        transport, code = self._transport, NORMAL if close.code in RESERVED_CODES else close.code
        if not isinstance(transport, asyncio.WriteTransport):
            await self._socket.close(code=code, message=close.reason_bytes())
            return
        # aiohttp only closes the transport, which then waits until the client has read it all.
        abort = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, transport.abort)
        await self._socket.close(code=code, message=close.reason_bytes())
        if not transport.get_write_buffer_size():
            abort.cancel()

"""The way out: messages to the client, in order, as the API frames them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

    from tokensvc.emulator.faults.socket import Trouble


class Outlet:
    """One connection's sending side.

    Attributes:
        silent: Nothing goes out any more.
        waiting: Messages that the client does not take yet.
        sent: Messages that went out.
    """

    def __init__(
        self, socket: web.WebSocketResponse, trouble: Trouble | None = None, *, binary: bool
    ) -> None:
        self._socket = socket
        self._trouble = trouble
        self._binary = binary
        self._late: set[asyncio.Task[None]] = set()
        self.silent = False
        self.waiting = 0
        self.sent = 0

    async def send(self, **message: Any) -> None:  # noqa: ANN401 - proto-JSON
        """Send one message; nothing goes out once the connection is closing or silent."""
        if self.silent or self._socket.closed:
            return
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        if self._trouble is None:
            await self._write(text)
            return
        for instead in await self._trouble.sending(text):
            if self._trouble.delay:
                asyncio.get_running_loop().call_later(self._trouble.delay, self._start, instead)
            else:
                await self._write(instead)

    async def content(self, **fields: Any) -> None:  # noqa: ANN401 - proto-JSON
        """Send a ``serverContent``."""
        await self.send(serverContent=fields)

    def _start(self, text: str) -> None:
        task = asyncio.create_task(self._write(text))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _write(self, text: str) -> None:
        if self._socket.closed:
            return
        self.waiting += 1
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
        finally:
            self.waiting -= 1

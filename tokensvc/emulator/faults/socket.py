"""Trouble: a fault at work on one socket."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING

from tokensvc.emulator.protocol.errors import Close

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.faults.fault import Fault

GONE = Close(1006, "")
BROKEN = json.dumps({"serverContent": {"modelTurn": {}}})[:-3]
# SO_LINGER on, for 0 seconds: closing resets the connection, whatever lies unread or unsent.
AT_ONCE = struct.pack("ii", 1, 0)


class Trouble:
    """Decides what becomes of each message, and strikes when it is time.

    Args:
        transport: Deaf and then reset for a ``cut``, as when a network breaks: no close frame.
        end: Closes the socket properly, for ``close``.
    """

    def __init__(
        self,
        fault: Fault,
        clock: Clock,
        transport: asyncio.BaseTransport | None,
        end: Callable[[Close], None],
    ) -> None:
        self._fault = fault
        self._clock = clock
        self._transport = transport
        self._end = end
        self._held: str | None = None
        self._taken = 0
        self._sent = 0
        self._deaf = self._dark = False
        self._timer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """The socket is open: a fault with a moment begins to wait for it."""
        if self._fault.between is not None:
            self._timer = asyncio.create_task(self._strike_at(self._fault.between[0]))

    async def stop(self) -> None:
        """The socket is over."""
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.wait([self._timer])

    @property
    def delay(self) -> float:
        """Seconds by which every message is late."""
        return self._fault.seconds if self._fault.kind == "latency" else 0.0

    async def sending(self, text: str) -> list[str]:
        """What goes out instead of *text*."""
        fault = self._fault
        number, self._sent = self._sent, self._sent + 1
        if self._dark:
            return []
        if self._timer is not None or number < fault.after:
            return [text]
        match fault.kind:
            case "drip":
                await self._clock.sleep(fault.seconds)
            case "broken_json" if number == fault.after:
                return [BROKEN]
            case "close":
                await self._strike()
                return []
            case "out_of_order":
                return self._swapped(text)
        return [text]

    def _swapped(self, text: str) -> list[str]:
        held, self._held = self._held, None
        if held is not None:
            return [text, held]
        self._held = text
        return []

    async def receiving(self) -> None:
        """Before a message of the client is taken; once deaf, none is."""
        number, self._taken = self._taken, self._taken + 1
        if not self._deaf:
            due = self._timer is None and number >= self._fault.after
            if not due or self._fault.kind not in {"black_hole", "cut"}:
                return
            await self._strike()
        await asyncio.Event().wait()

    async def _strike_at(self, moment: float) -> None:
        await self._clock.sleep(moment)
        await self._strike()

    async def _strike(self) -> None:
        fault = self._fault
        match fault.kind:
            case "close":
                self._end(Close(fault.code, fault.text))
            case "black_hole":
                self._stop_reading()
                self._dark = True
            case "cut":
                self._stop_reading()
                await self._clock.sleep(fault.seconds)
                self._reset()
                self._end(GONE)

    def _stop_reading(self) -> None:
        """What comes from here on stays with the kernel, which takes it and tells nobody."""
        self._deaf = True
        if isinstance(self._transport, asyncio.ReadTransport):
            self._transport.pause_reading()

    def _reset(self) -> None:
        if isinstance(self._transport, asyncio.WriteTransport):
            below = self._transport.get_extra_info("socket")
            below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            self._transport.abort()

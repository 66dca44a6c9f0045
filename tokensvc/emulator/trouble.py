"""Trouble: a fault at work on one socket."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from tokensvc.emulator.refusals import Close

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.faults import Fault

GONE = Close(1006, "")
BROKEN = json.dumps({"serverContent": {"modelTurn": {}}})[:-3]


class Trouble:
    """Decides what becomes of each message.

    Args:
        transport: Aborted for a ``cut``: no close frame, a reset, as when a network breaks.
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
        self._dark = False

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
        if number < fault.after:
            return [text]
        match fault.kind:
            case "drip":
                await self._clock.sleep(fault.seconds)
            case "broken_json" if number == fault.after:
                return [BROKEN]
            case "close":
                self._end(Close(fault.code, fault.text))
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
        """Before a message of the client is taken."""
        fault = self._fault
        number, self._taken = self._taken, self._taken + 1
        if number < fault.after:
            return
        if fault.kind == "black_hole":
            self._dark = True
            await asyncio.Event().wait()
        if fault.kind == "cut":
            await self._clock.sleep(fault.seconds)
            if isinstance(self._transport, asyncio.WriteTransport):
                self._transport.abort()
            self._end(GONE)
            await asyncio.Event().wait()

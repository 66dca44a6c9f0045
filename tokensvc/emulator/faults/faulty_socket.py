"""A WebSocket with a fault: it wraps the real one, so that a session need not know."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import WSMessage, WSMsgType, web

from tokensvc.emulator.faults.fault import LOCKOUT
from tokensvc.emulator.protocol.close_reasons import Close

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.faults.fault import Fault

ABNORMAL = Close(1006, "")
TRUNCATED = json.dumps({"serverContent": {"modelTurn": {}}})[:-3]
# SO_LINGER for 0 seconds: closing resets the connection, even with data unread or unsent.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class FaultySocket:
    """Delays, alters, drops or reorders messages, or breaks the connection, as the fault says.

    Args:
        socket: The WebSocket to wrap.
        transport: For ``cut`` and ``vanish``: it stops reading and is then reset without a close
            frame, as when a network breaks.
    """

    def __init__(
        self,
        fault: Fault,
        socket: web.WebSocketResponse,
        transport: asyncio.BaseTransport | None,
        clock: Clock,
    ) -> None:
        self._fault = fault
        self._socket = socket
        self._transport = transport
        self._clock = clock
        self._end: Callable[[Close], None] | None = None
        self._lock: Callable[[float], None] | None = None
        self._held: str | bytes | None = None
        self._received = 0
        self._sent = 0
        self._reading_stopped = self._sending_stopped = False
        self._timer: asyncio.Task[None] | None = None
        self._delayed: set[asyncio.Task[None]] = set()

    def start(self, *, end: Callable[[Close], None], lock: Callable[[float], None]) -> None:
        """Start the timer of a fault that has a time.

        Args:
            end: Closes the connection.
            lock: Prevents resumptions of its session for some seconds.
        """
        self._end, self._lock = end, lock
        if self._fault.between is not None:
            self._timer = asyncio.create_task(self._trigger_after(self._fault.between[0]))

    async def stop(self) -> None:
        """Stop the timer: the connection is over."""
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.wait([self._timer])  # without raising CancelledError

    @property
    def closed(self) -> bool:
        """Whether the wrapped socket is closed."""
        return self._socket.closed

    async def close(self, *, code: int, message: bytes) -> bool:
        """Close the wrapped socket."""
        return await self._socket.close(code=code, message=message)

    async def receive(self) -> WSMessage:
        """Return the client's next message; wait forever once reading has stopped."""
        message = await self._socket.receive()
        if self._fault.kind == "vanish" and self._reading_stopped:
            await asyncio.Event().wait()  # forever: not even the end of the socket is noticed
        if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
            await self._before_delivery()
        return message

    async def send_str(self, data: str) -> None:
        """Send a text frame, subject to the fault."""
        await self._send(data)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame, subject to the fault."""
        await self._send(data)

    async def _send(self, frame: str | bytes) -> None:
        loop = asyncio.get_running_loop()
        for each in await self._replacement(frame):
            if self._fault.kind == "latency":
                loop.call_later(self._fault.seconds, self._write_delayed, each)
            else:
                await self._write(each)

    def _write_delayed(self, frame: str | bytes) -> None:
        task = asyncio.create_task(self._write(frame))
        self._delayed.add(task)
        task.add_done_callback(self._delayed.discard)

    async def _write(self, frame: str | bytes) -> None:
        if self._socket.closed:
            return
        try:
            if isinstance(frame, bytes):
                await self._socket.send_bytes(frame)
            else:
                await self._socket.send_str(frame)
        except ConnectionResetError:
            if self._fault.kind != "latency":  # a delayed write has no caller to tell
                raise

    async def _replacement(self, frame: str | bytes) -> list[str | bytes]:
        """Return the frames to send in place of *frame*."""
        fault = self._fault
        number, self._sent = self._sent, self._sent + 1
        if self._sending_stopped:
            return []
        # A fault with a timer alters no frames; the others leave the first `after` as they are.
        if self._timer is not None or number < fault.after:
            return [frame]
        match fault.kind:
            case "drip":
                await self._clock.sleep(fault.seconds)
            case "broken_json" if number == fault.after:
                return [TRUNCATED.encode() if isinstance(frame, bytes) else TRUNCATED]
            case "close":
                await self._trigger()
                return []
            case "out_of_order":
                return self._swapped(frame)
        return [frame]

    def _swapped(self, frame: str | bytes) -> list[str | bytes]:
        """Hold *frame* back, or return it followed by the frame held back before."""
        held, self._held = self._held, None
        if held is not None:
            return [frame, held]
        self._held = frame
        return []

    async def _before_delivery(self) -> None:
        """Count a received message; never return once a fault has stopped reading."""
        number, self._received = self._received, self._received + 1
        stops_reading = self._fault.kind in {"black_hole", "cut", "vanish"}
        is_due = self._timer is None and number >= self._fault.after  # else the timer triggers it
        if stops_reading and is_due and not self._reading_stopped:
            await self._trigger()
        if self._reading_stopped:
            await asyncio.Event().wait()  # forever

    async def _trigger_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self._trigger()

    async def _trigger(self) -> None:
        """Cause the fault.

        A cut stops reading, and resets the TCP connection after `seconds`. A vanished client's is
        reset at once, and the server learns of it after `seconds`.
        """
        fault = self._fault
        match fault.kind:
            case "close":
                self._end_with(Close(fault.code, fault.text))
            case "black_hole":
                self._stop_reading()
                self._sending_stopped = True
            case "cut":
                self._stop_reading()
                await self._clock.sleep(fault.seconds)
                self._reset()
                self._end_with(ABNORMAL)
            case "vanish":
                self._stop_reading()
                self._reset()
                seconds = fault.seconds or LOCKOUT
                if self._lock is not None:
                    self._lock(seconds)
                await self._clock.sleep(seconds)
                self._end_with(ABNORMAL)

    def _end_with(self, close: Close) -> None:
        if self._end is not None:
            self._end(close)

    def _stop_reading(self) -> None:
        """Leave whatever arrives from now on in the kernel's buffer."""
        self._reading_stopped = True
        if isinstance(self._transport, asyncio.ReadTransport):
            self._transport.pause_reading()

    def _reset(self) -> None:
        if isinstance(self._transport, asyncio.WriteTransport):
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._transport.abort()

"""The Live WebSocket: opens to anyone, judges the first frame, keeps the session's time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from tokensvc.emulator.conversation import Conversation, text_tokens
from tokensvc.emulator.credentials import Presented
from tokensvc.emulator.faults import FaultBook, refusal
from tokensvc.emulator.gate import Admission, Gate, Method
from tokensvc.emulator.outlet import Outlet
from tokensvc.emulator.refusals import Close, ClosedError, Closes
from tokensvc.emulator.resumption import HandleBook, Kept
from tokensvc.emulator.scene import Scene
from tokensvc.emulator.session import Session
from tokensvc.emulator.timekeeping import Timekeeper
from tokensvc.emulator.trouble import Trouble

if TYPE_CHECKING:
    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.register import Connection, Register
    from tokensvc.emulator.steps import Mind

log = logging.getLogger(__name__)
LARGEST_FRAME = 16 * 1024 * 1024
GONE = Close(1006, "")
NO_CODE = 1005
GOING_AWAY = Close(1001, "")


@dataclass
class Line:
    """One socket and the future of its end."""

    socket: web.WebSocketResponse
    ending: asyncio.Future[Close]
    trouble: Trouble | None = None

    def end(self, close: Close) -> None:
        """Close the socket; the first to say so decides how."""
        if not self.ending.done():
            self.ending.set_result(close)


@dataclass(frozen=True)
class LiveEndpoint:
    """Serves both methods, plain and Constrained, in three versions."""

    clock: Clock
    options: Options
    gate: Gate
    handles: HandleBook
    register: Register
    mind: Mind
    faults: FaultBook
    endings: set[asyncio.Future[Close]] = field(default_factory=set)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket, from upgrade to close."""
        method = Method(request.match_info["version"], bool(request.match_info["constrained"]))
        presented = Presented.by(request.headers, request.query)
        fault = self.faults.take("socket")
        if fault is not None and fault.kind == "status":
            error = refusal(fault)
            return web.json_response(error.body(), status=error.http)
        socket = web.WebSocketResponse(max_msg_size=LARGEST_FRAME, compress=False)
        await socket.prepare(request)
        connection = self.register.open(method, presented.form())
        connection.handshake = {
            "path": request.path,
            "origin": request.headers.get("Origin", ""),
            "user_agent": request.headers.get("User-Agent", ""),
        }
        ending: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self.endings.add(ending)
        line = Line(socket, ending)
        if fault is not None:
            line.trouble = Trouble(fault, self.clock, request.transport, line.end)
        reading = asyncio.create_task(self._read(line, connection, presented))
        close, by = GONE, "client"
        try:
            either: set[asyncio.Future[Any]] = {reading, ending}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            close, by = await self._outcome(reading, ending)
        finally:
            self.endings.discard(ending)
            reading.cancel()
            await asyncio.wait([reading])
            if by == "client":
                close = client_close(socket.close_code)
            self.register.close(connection, close, by=by)
            if connection.admission is not None:
                self.handles.close(connection.number)
        await socket.close(code=close.code, message=close.reason_bytes())
        return socket

    async def shut(self, _app: web.Application) -> None:
        """Close every socket: the emulator stops."""
        for ending in self.endings:
            if not ending.done():
                ending.set_result(GOING_AWAY)

    async def _outcome(
        self, reading: asyncio.Task[None], ending: asyncio.Future[Close]
    ) -> tuple[Close, str]:
        if ending.done():
            return ending.result(), "emulator"
        try:
            await reading
        except ClosedError as error:
            return error.close, "emulator"
        return GONE, "client"

    async def _read(
        self,
        line: Line,
        connection: Connection,
        presented: Presented,
    ) -> None:
        """Read frames until the client goes.

        Raises:
            ClosedError: when one of them ends the session.
        """
        session: Session | None = None
        keeper: Timekeeper | None = None
        try:
            async for message in line.socket:
                if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    continue
                if line.trouble is not None:
                    await line.trouble.receiving()
                if session is None:
                    admission = self.gate.admit(message.data, presented, connection.method)
                    session, keeper = self._begin(admission, line, connection)
                    await keeper.start()
                else:
                    await session.take(message.data)
        finally:
            if keeper is not None:
                await keeper.stop()
            if session is not None:
                await session.stop()

    def _begin(
        self,
        admission: Admission,
        line: Line,
        connection: Connection,
    ) -> tuple[Session, Timekeeper]:
        plan, resumed = admission.plan, admission.resumed
        now = self.clock.now()
        instruction = text_tokens(plan.instruction)
        conversation = resumed.conversation if resumed else Conversation(instruction, now)
        conversation.instruction_tokens = instruction
        connection.before = resumed.before if resumed else ()
        lineage = resumed.lineage if resumed else connection.number
        self.handles.open(
            connection.number, Kept(conversation, plan.model_name, lineage, connection.before)
        )

        def fail(error: BaseException | None) -> None:
            log.error("connection %d failed", connection.number, exc_info=error)
            line.end(Closes.internal)

        scene = Scene(
            clock=self.clock,
            options=self.options,
            plan=plan,
            conversation=conversation,
            outlet=Outlet(line.socket, line.trouble, binary=self.options.frames == "binary"),
            mind=self.mind,
            said=connection.said,
            end=line.end,
            fail=fail,
            leave=lambda seconds: keeper.leave(seconds),  # noqa: PLW0108 - made below
        )
        locked = admission.token is not None and admission.token.lock != "none"
        session = Session(scene, connection.heard, version=connection.method.version, locked=locked)
        keeper = Timekeeper(scene, session, connection, self.handles)
        connection.admission, connection.scene, connection.state = admission, scene, "live"
        return session, keeper


def client_close(code: int | None) -> Close:
    """How the client left: aiohttp says 0 for a close frame without a code, None for no frame."""
    return GONE if code is None else Close(code or NO_CODE, "")

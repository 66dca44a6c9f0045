"""The Live WebSocket: opens to anyone, judges the first frame, keeps the session's time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tokensvc.emulator.conversation.context import Conversation, text_tokens
from tokensvc.emulator.conversation.handles import HandleBook, Kept
from tokensvc.emulator.faults.fault import FaultBook, redirect, refusal
from tokensvc.emulator.faults.socket import Trouble
from tokensvc.emulator.protocol.errors import Closes
from tokensvc.emulator.provisioning.credentials import Presented
from tokensvc.emulator.server.admission import Admission, Gate, Method
from tokensvc.emulator.server.websocket import GOING_AWAY, Line
from tokensvc.emulator.session.context import Scene
from tokensvc.emulator.session.deadlines import Timekeeper
from tokensvc.emulator.session.sender import Outlet
from tokensvc.emulator.session.session import Session

if TYPE_CHECKING:
    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.responses.steps import Mind
    from tokensvc.emulator.server.connections import Connection, Register

log = logging.getLogger(__name__)
LARGEST_FRAME = 16 * 1024 * 1024


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
    lines: set[Line] = field(default_factory=set)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket, from upgrade to close."""
        method = Method(request.match_info["version"], bool(request.match_info["constrained"]))
        presented = Presented.by(request.headers, request.query)
        fault = self.faults.take("socket")
        if fault is not None and fault.kind == "status":
            error = refusal(fault)
            return web.json_response(error.body(), status=error.http)
        if fault is not None and fault.kind == "redirect":
            return redirect(fault, request)
        # The client's close is answered once everything here knows of it: who resumes upon the
        # answer finds the old connection closed.
        socket = web.WebSocketResponse(max_msg_size=LARGEST_FRAME, compress=False, autoclose=False)
        await socket.prepare(request)
        connection = self.register.open(method, presented.form())
        connection.handshake = {
            "path": request.path,
            "origin": request.headers.get("Origin", ""),
            "user_agent": request.headers.get("User-Agent", ""),
        }
        line = Line(socket, request.transport)
        parts = AsyncExitStack()
        if fault is not None:
            line.trouble = Trouble(fault, self.clock, request.transport, line.end)
            line.trouble.start()
            parts.push_async_callback(line.trouble.stop)
        self.lines.add(line)
        reading = asyncio.create_task(self._read(line, connection, presented, parts))
        try:
            either: set[asyncio.Future[Any]] = {reading, line.ending}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.lines.discard(line)
            # The parts are stopped here, not in the task that is cancelled: it may be cancelled
            # while it ends by itself, and what it then left running would go on unseen.
            reading.cancel()
            await asyncio.wait([reading])
            await parts.aclose()
            close, by = line.verdict(reading)
            self.register.close(connection, close, by=by)
            if connection.admission is not None:
                self.handles.close(connection.number)
        await line.hang_up(close)
        return socket

    async def shut(self, _app: web.Application) -> None:
        """Close every socket: the emulator stops."""
        for line in self.lines:
            line.end(GOING_AWAY)

    async def _read(
        self, line: Line, connection: Connection, presented: Presented, parts: AsyncExitStack
    ) -> None:
        """Take frames until the client goes; what is to be stopped then goes to *parts*.

        Raises:
            ClosedError: when one of them ends the session.
        """
        session: Session | None = None
        async for frame in line.frames():
            if session is not None:
                await session.take(frame)
                continue
            admission = self.gate.admit(frame, presented, connection.method)
            session, keeper = self._begin(admission, line, connection)
            parts.push_async_callback(session.stop)
            parts.push_async_callback(keeper.stop)
            await keeper.start()

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

"""The Live WebSocket endpoint: accepts every socket and admits a session by its first frame."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tokensvc.emulator.conversation.context import Conversation, text_tokens
from tokensvc.emulator.conversation.handles import ResumptionHandles, SavedConversation
from tokensvc.emulator.faults.fault import FaultQueue, redirect_response, status_error
from tokensvc.emulator.faults.faulty_socket import FaultySocket
from tokensvc.emulator.protocol.close_reasons import CloseError, CloseReasons
from tokensvc.emulator.provisioning.credentials import Credentials
from tokensvc.emulator.server.admission import Admission, AdmissionControl, Method
from tokensvc.emulator.server.websocket import GOING_AWAY, WebSocketConnection
from tokensvc.emulator.session.context import SessionContext
from tokensvc.emulator.session.deadlines import Deadlines
from tokensvc.emulator.session.sender import MessageSender
from tokensvc.emulator.session.session import Session

if TYPE_CHECKING:
    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.responses.steps import Responder
    from tokensvc.emulator.server.connections import ConnectionRecord, Connections

log = logging.getLogger(__name__)
LARGEST_FRAME = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class LiveEndpoint:
    """Serves both methods, plain and constrained, in three versions of the API."""

    clock: Clock
    options: Options
    admission_control: AdmissionControl
    handles: ResumptionHandles
    connections: Connections
    responder: Responder
    faults: FaultQueue
    open_connections: set[WebSocketConnection] = field(default_factory=set)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket, from the upgrade to the close."""
        method = Method(request.match_info["version"], bool(request.match_info["constrained"]))
        credentials = Credentials.from_request(request.headers, request.query)
        fault = self.faults.take("socket")
        if fault is not None and fault.kind == "status":
            error = status_error(fault)
            return web.json_response(error.body(), status=error.http)
        if fault is not None and fault.kind == "redirect":
            return redirect_response(fault, request)
        # The client's close frame gets its reply only after the connection is recorded as closed:
        # the client may resume the session as soon as it has that reply.
        response = web.WebSocketResponse(max_msg_size=LARGEST_FRAME, compress=False, autoclose=False)
        await response.prepare(request)
        record = self.connections.open(method, credentials.kind())
        record.handshake = {
            "path": request.path,
            "origin": request.headers.get("Origin", ""),
            "user_agent": request.headers.get("User-Agent", ""),
        }
        cleanup = AsyncExitStack()  # _read adds what the session starts
        if fault is None:
            connection = WebSocketConnection(response, request.transport, self.clock)
        else:
            socket = FaultySocket(fault, response, request.transport, self.clock)
            connection = WebSocketConnection(socket, request.transport, self.clock)
            socket.start(end=connection.end, lock=partial(self.handles.lock, record.number))
            cleanup.push_async_callback(socket.stop)
        self.open_connections.add(connection)
        reading = asyncio.create_task(self._read(connection, record, credentials, cleanup))
        try:
            endings: set[asyncio.Future[Any]] = {reading, connection.ending}
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.open_connections.discard(connection)
            # The reading task does not do the cleanup itself: if it were cancelled while doing so,
            # other tasks could keep running.
            reading.cancel()
            await asyncio.wait([reading])
            await cleanup.aclose()
            close, closed_by = connection.outcome(reading)
            self.connections.close(record, close, by=closed_by)
        await connection.send_close(close)
        return response

    async def close_all(self, _app: web.Application) -> None:
        """Close every WebSocket: the emulator is stopping."""
        for connection in self.open_connections:
            connection.end(GOING_AWAY)

    async def _read(
        self,
        connection: WebSocketConnection,
        record: ConnectionRecord,
        credentials: Credentials,
        cleanup: AsyncExitStack,
    ) -> None:
        """Handle frames until the client disconnects; *cleanup* collects what to stop then.

        Raises:
            CloseError: if a frame ends the session.
        """
        session: Session | None = None
        async for frame in connection.frames():
            if session is not None:
                await session.receive(frame)
                continue
            try:
                admission = self.admission_control.admit(frame, credentials, record.method)
            except CloseError as refusal:
                await self.clock.sleep(refusal.delay)
                raise
            session, deadlines = self._begin(admission, connection, record)
            cleanup.callback(self._suspend, record, session, connection)  # once all has stopped
            cleanup.push_async_callback(session.stop)
            cleanup.push_async_callback(deadlines.stop)
            await deadlines.start()

    def _begin(
        self, admission: Admission, connection: WebSocketConnection, record: ConnectionRecord
    ) -> tuple[Session, Deadlines]:
        """Create the session and its deadlines, and mark *record* as live."""
        plan, token = admission.plan, admission.token

        def fail(error: BaseException | None) -> None:
            log.error("connection failed connection=%d", record.number, exc_info=error)
            connection.end(CloseReasons.internal)

        context = SessionContext(
            clock=self.clock,
            options=self.options,
            plan=plan,
            conversation=self._conversation(admission, record),
            sender=MessageSender(connection, binary=self.options.frames == "binary"),
            responder=self.responder,
            said=record.said,
            end=connection.end,
            fail=fail,
            last_frame=lambda: connection.last_frame,
            go_away=lambda seconds: deadlines.go_away(seconds),  # noqa: PLW0108 - assigned below
        )
        locked = token is not None and token.lock != "none"
        delayed = plan.updates == "once" and admission.resumed is None
        session = Session(context, record.heard, version=record.method.version, locked=locked)
        deadlines = Deadlines(
            context,
            session,
            token_expires=token.expires if token else inf,
            first_update=self.options.update_delay if delayed else 0.0,
            create_handle=lambda: self.handles.create(record.number, record.heard.size),
        )
        record.admission, record.session, record.state = admission, context, "live"
        return session, deadlines

    def _suspend(self, record: ConnectionRecord, session: Session, connection: WebSocketConnection) -> None:
        """Let handles resume the conversation: its connection is over."""
        idle = not session.answering
        self.handles.close(record.number, idle=idle, quiet_since=connection.last_frame)

    def _conversation(self, admission: Admission, record: ConnectionRecord) -> Conversation:
        """Return the resumed conversation or a new one, and register it for resumption."""
        plan, resumed = admission.plan, admission.resumed
        instruction_tokens = text_tokens(plan.instruction)
        if resumed is None:
            conversation = Conversation(instruction_tokens, self.clock.now())
            lineage = record.number
        else:
            conversation, lineage, record.earlier_audio = (
                resumed.conversation,
                resumed.lineage,
                resumed.earlier_audio,
            )
            conversation.instruction_tokens = instruction_tokens
        saved = SavedConversation(conversation, plan.model_name, lineage, record.earlier_audio, plan.handle_state)
        self.handles.open(record.number, saved)
        if admission.token is not None:
            admission.token.lineages.add(lineage)
        return conversation

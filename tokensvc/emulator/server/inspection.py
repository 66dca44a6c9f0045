"""The inspection endpoints under ``/emulator``: what the emulator saw, for tests and for people."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tokensvc.emulator.audio.pcm import IN_RATE, wav
from tokensvc.emulator.clock import Clock, rfc3339
from tokensvc.emulator.faults.fault import FaultQueue, read_fault

if TYPE_CHECKING:
    from tokensvc.emulator.audio.recordings import Recording
    from tokensvc.emulator.provisioning.endpoint import AuthTokensEndpoint
    from tokensvc.emulator.provisioning.tokens import Token, TokenStore
    from tokensvc.emulator.server.connections import ConnectionRecord, Connections
    from tokensvc.emulator.session.context import SessionContext

# Unix seconds, shortly before the year 9000: timestamps cannot go beyond 9999.
LATEST = 220 * 10**9
SHOWN_ENTRIES = 50
PAGE = Path(__file__).with_name("inspection.html")


@dataclass(frozen=True)
class Inspection:
    """Serves the views, and the endpoints that skip time and queue faults."""

    clock: Clock
    connections: Connections
    tokens: TokenStore
    auth_tokens: AuthTokensEndpoint
    faults: FaultQueue

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/emulator", self.page),
            web.get("/emulator/sessions", self.list_sessions),
            web.get("/emulator/sessions/{id}", self.get_session),
            web.get("/emulator/sessions/{id}/heard.wav", self.heard),
            web.get("/emulator/sessions/{id}/said.wav", self.said),
            web.get("/emulator/sessions/{id}/context.wav", self.context),
            web.get("/emulator/tokens", self.list_tokens),
            web.get("/emulator/mints", self.mints),
            web.post("/emulator/skip", self.skip),
            web.get("/emulator/faults", self.list_faults),
            web.post("/emulator/faults", self.add_fault),
            web.delete("/emulator/faults", self.clear_faults),
        ]

    async def page(self, _request: web.Request) -> web.FileResponse:
        """Return a page that shows everything, updated every second."""
        return web.FileResponse(PAGE)

    async def list_sessions(self, _request: web.Request) -> web.Response:
        """Return all connections, oldest first."""
        sessions = [session_view(record) for record in self.connections.all()]
        totals = {"opened": self.connections.opened, "messages": self.connections.messages}
        return web.json_response({"sessions": sessions, "totals": totals})

    async def get_session(self, request: web.Request) -> web.Response:
        """Return one connection; ``last`` is the newest."""
        return web.json_response(session_view(self._find(request)))

    async def heard(self, request: web.Request) -> web.Response:
        """Return all audio received on a connection."""
        return _wav(self._find(request).heard.wav())

    async def said(self, request: web.Request) -> web.Response:
        """Return all audio sent on a connection."""
        return _wav(self._find(request).said.wav())

    async def context(self, request: web.Request) -> web.Response:
        """Return the audio in the context, from all connections of the conversation."""
        return _wav(wav(self.connections.context_pcm(self._find(request)), IN_RATE))

    async def list_tokens(self, _request: web.Request) -> web.Response:
        """Return all tokens, oldest first."""
        tokens = [token_view(token) for token in self.tokens.tokens.values()]
        return web.json_response({"tokens": tokens})

    async def mints(self, _request: web.Request) -> web.Response:
        """Return the number of token requests, in total and by HTTP status."""
        statuses = {str(status): count for status, count in self.auth_tokens.statuses.items()}
        return web.json_response(
            {"requests": sum(statuses.values()), "minted": self.tokens.minted, "statuses": statuses}
        )

    async def skip(self, request: web.Request) -> web.Response:
        """Move the clock ahead by ``{"seconds": n}``."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        seconds = body.get("seconds") if isinstance(body, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            seconds = -1  # refused below
        if not 0 <= seconds < LATEST - self.clock.now():
            raise web.HTTPBadRequest(text='Send {"seconds": n}, where n is at least 0 and not beyond the year 9000.')
        self.clock.skip(seconds)
        return web.json_response({"now": rfc3339(self.clock.now())})

    async def list_faults(self, _request: web.Request) -> web.Response:
        """Return the pending faults, and the number that were triggered."""
        pending = [asdict(fault) for fault in self.faults.pending]
        return web.json_response({"pending": pending, "triggered": self.faults.triggered})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Queue a fault."""
        try:
            self.faults.add(read_fault(await request.json()))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return await self.list_faults(request)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Remove all faults."""
        self.faults.clear()
        return await self.list_faults(request)

    def _find(self, request: web.Request) -> ConnectionRecord:
        record = self.connections.find(request.match_info["id"])
        if record is None:
            raise web.HTTPNotFound(text="No such session; GET /emulator/sessions lists them.")
        return record


def session_view(record: ConnectionRecord) -> dict[str, Any]:
    """Return a connection as JSON, without secrets."""
    admission, session = record.admission, record.session
    token = admission.token if admission else None
    view: dict[str, Any] = {
        "id": str(record.number),
        "state": record.state,
        "version": record.method.version,
        "constrained": record.method.constrained,
        "credential": record.credential,
        "handshake": record.handshake,
        "token_fingerprint": token.fingerprint if token else None,
        "opened": rfc3339(record.opened),
        "closed": rfc3339(record.closed) if record.closed else None,
        "close": asdict(record.close) if record.close else None,
        "closed_by": record.closed_by,
        "resumed": admission is not None and admission.resumed is not None,
        "effective_setup": _without_handle(admission.setup) if admission else None,
        "client_setup": _without_handle(admission.client_setup) if admission else None,
        "heard": _recording_view(record.heard),
        "said": _recording_view(record.said),
    }
    if session is not None:
        counters = {**asdict(session.counters), "audio_seconds": record.heard.seconds}
        view |= {"counters": counters, **_conversation_view(session)}
    return view


def _conversation_view(session: SessionContext) -> dict[str, Any]:
    conversation, delays = session.conversation, sorted(session.delays)
    return {
        "answers": [asdict(answer) for answer in session.answers],
        "context": {
            "tokens": conversation.tokens(),
            "tokens_by_modality": conversation.by_modality(),
            "turns": conversation.turns,
            "dropped": conversation.dropped,
            "compressions": conversation.compressions,
            "entries": [{"kind": entry.kind, "text": entry.text} for entry in conversation.entries[-SHOWN_ENTRIES:]],
        },
        "sent_messages": session.sender.sent,
        "send_delay_p99_ms": round(delays[len(delays) * 99 // 100] * 1000, 1) if delays else None,
    }


def _recording_view(recording: Recording) -> dict[str, float]:
    return {"bytes": recording.size, "kept": recording.kept, "seconds": recording.seconds}


def token_view(token: Token) -> dict[str, Any]:
    """Return a token as JSON, without secrets."""
    return {
        "number": token.number,
        "fingerprint": token.fingerprint,
        "version": token.version,
        "request": token.request.decode("utf-8", "replace"),
        "request_base64": base64.b64encode(token.request).decode(),
        "lock": token.lock,
        "mask": [".".join(path) for path in token.mask],
        "setup": _without_handle(token.setup) if token.setup else token.setup,
        "created": rfc3339(token.created),
        "expires": rfc3339(token.expires),
        "new_session_expires": rfc3339(token.new_session_expires),
        "uses_left": token.uses_left,
        "fresh_sessions": token.fresh_sessions,
        "resumed_sessions": token.resumed_sessions,
    }


def _without_handle(setup: dict[str, Any]) -> dict[str, Any]:
    """Return *setup* with the handle redacted: anyone who has it can resume the conversation."""
    if "handle" not in setup.get("sessionResumption", {}):
        return setup
    return {**setup, "sessionResumption": {"handle": "(redacted)"}}


def _wav(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="audio/wav")

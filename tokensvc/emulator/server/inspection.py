"""`GET /emulator/…`: what the emulator saw, for tests and for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from tokensvc.emulator.audio.pcm import IN_RATE, wav
from tokensvc.emulator.clock import Clock, rfc3339
from tokensvc.emulator.faults import fault as faults

if TYPE_CHECKING:
    from tokensvc.emulator.faults.fault import FaultBook
    from tokensvc.emulator.provisioning.endpoint import AuthTokensEndpoint
    from tokensvc.emulator.provisioning.tokens import TokenBook
    from tokensvc.emulator.server.connections import Connection, Register

# Unix seconds, in the last years that a timestamp can tell.
LATEST = 220 * 10**9
PAGE = Path(__file__).with_name("inspection.html")


@dataclass(frozen=True)
class Inspection:
    """Read-only views, and the one lever: skipping time."""

    clock: Clock
    register: Register
    tokens: TokenBook
    auth_tokens: AuthTokensEndpoint
    faults: FaultBook

    def routes(self) -> list[web.RouteDef]:
        """Where the views are."""
        return [
            web.get("/emulator", self.page),
            web.get("/emulator/sessions", self.sessions),
            web.get("/emulator/sessions/{id}", self.session),
            web.get("/emulator/sessions/{id}/heard.wav", self.heard),
            web.get("/emulator/sessions/{id}/said.wav", self.said),
            web.get("/emulator/sessions/{id}/context.wav", self.context),
            web.get("/emulator/tokens", self.minted),
            web.get("/emulator/mints", self.mints),
            web.post("/emulator/skip", self.skip),
            web.get("/emulator/faults", self.waiting_faults),
            web.post("/emulator/faults", self.add_fault),
            web.delete("/emulator/faults", self.clear_faults),
        ]

    async def page(self, _request: web.Request) -> web.FileResponse:
        """All of it, live, for people."""
        return web.FileResponse(PAGE)

    async def sessions(self, _request: web.Request) -> web.Response:
        """Every connection, oldest first."""
        shown = [connection.shown() for connection in self.register.everything()]
        totals = {"opened": self.register.opened, "messages": self.register.messages}
        return web.json_response({"sessions": shown, "totals": totals})

    async def session(self, request: web.Request) -> web.Response:
        """One connection; ``last`` is the newest."""
        return web.json_response(self._find(request).shown())

    async def heard(self, request: web.Request) -> web.Response:
        """Every byte of sound that came in."""
        return _wav(self._find(request).heard.wav())

    async def said(self, request: web.Request) -> web.Response:
        """Every byte of sound that went out."""
        return _wav(self._find(request).said.wav())

    async def context(self, request: web.Request) -> web.Response:
        """The sound in the context, over all connections of the conversation."""
        return _wav(wav(self.register.context_pcm(self._find(request)), IN_RATE))

    async def minted(self, _request: web.Request) -> web.Response:
        """Every token, oldest first."""
        return web.json_response(
            {"tokens": [token.shown() for token in self.tokens.tokens.values()]}
        )

    async def mints(self, _request: web.Request) -> web.Response:
        """How often a token was asked for, and with what answer."""
        answers = {str(status): count for status, count in self.auth_tokens.answers.items()}
        return web.json_response(
            {"requests": sum(answers.values()), "minted": self.tokens.minted, "answers": answers}
        )

    async def skip(self, request: web.Request) -> web.Response:
        """Let ``{"seconds": n}`` pass at once, for every deadline there is."""
        try:
            asked = await request.json()
        except ValueError:
            asked = None
        seconds = asked.get("seconds") if isinstance(asked, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            seconds = -1
        if not 0 <= seconds < LATEST - self.clock.now():
            raise web.HTTPBadRequest(
                text='Send {"seconds": n}, n from 0 on and not past the year 9000.'
            )
        self.clock.skip(seconds)
        return web.json_response({"now": rfc3339(self.clock.now())})

    async def waiting_faults(self, _request: web.Request) -> web.Response:
        """The faults to come, and how many were met."""
        waiting = [asdict(fault) for fault in self.faults.waiting]
        return web.json_response({"waiting": waiting, "met": self.faults.met})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Let a fault happen when its turn comes."""
        try:
            self.faults.add(faults.read(await request.json()))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return await self.waiting_faults(request)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Let nothing go wrong any more."""
        self.faults.clear()
        return await self.waiting_faults(request)

    def _find(self, request: web.Request) -> Connection:
        connection = self.register.find(request.match_info["id"])
        if connection is None:
            raise web.HTTPNotFound(text="No such session; GET /emulator/sessions lists them.")
        return connection


def _wav(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="audio/wav")

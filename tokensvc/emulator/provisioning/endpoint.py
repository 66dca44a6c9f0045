"""`POST /{version}/auth_tokens`: the provisioning service."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from tokensvc.emulator.faults import fault as faults
from tokensvc.emulator.protocol.errors import RefusedError, invalid_argument
from tokensvc.emulator.provisioning.credentials import Keys, Presented

if TYPE_CHECKING:
    from tokensvc.emulator.faults.fault import FaultBook
    from tokensvc.emulator.provisioning.tokens import TokenBook

LARGEST_BODY = 1024 * 1024


@dataclass(frozen=True)
class AuthTokensEndpoint:
    """Mints, and counts what was asked of it by HTTP status."""

    keys: Keys
    tokens: TokenBook
    faults: FaultBook
    answers: Counter[int] = field(default_factory=Counter)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Mint a token, unless a fault is in the way."""
        fault = self.faults.take("mint")
        answered = await self._create(request)
        if fault is None:
            return answered
        return await faults.answer(fault, answered, request, self.tokens.clock)

    async def nothing(self, _request: web.Request) -> web.Response:
        """A token cannot be read, listed or revoked: 404, as measured 2026-09-18."""
        error = RefusedError(HTTPStatus.NOT_FOUND, "NOT_FOUND", "Method not found.")
        return web.json_response(error.body(), status=error.http)

    async def _create(self, request: web.Request) -> web.Response:
        """The answer has the token's name alone, as Google's other fields are input only."""
        try:
            self.keys.check_request(Presented.by(request.headers, request.query))
            name = self.tokens.mint(await self._body(request), request.match_info["version"])
        except RefusedError as error:
            self.answers[error.http] += 1
            return web.json_response(error.body(), status=error.http)
        self.answers[200] += 1
        return web.json_response({"name": name})

    async def _body(self, request: web.Request) -> bytes:
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise invalid_argument(
                f"Request payload size exceeds the limit: {LARGEST_BODY} bytes."
            ) from None

"""The endpoint ``POST /{version}/auth_tokens``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from tokensvc.emulator.faults.fault import apply_to_mint
from tokensvc.emulator.protocol.errors import RpcError, invalid_argument
from tokensvc.emulator.provisioning.credentials import ApiKeys, Credentials

if TYPE_CHECKING:
    from tokensvc.emulator.faults.fault import FaultQueue
    from tokensvc.emulator.provisioning.tokens import TokenStore

LARGEST_BODY = 1024 * 1024  # bytes


@dataclass(frozen=True)
class AuthTokensEndpoint:
    """Mints tokens and counts the requests by HTTP status."""

    keys: ApiKeys
    tokens: TokenStore
    faults: FaultQueue
    statuses: Counter[int] = field(default_factory=Counter)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Mint a token; a pending fault affects the response."""
        fault = self.faults.take("mint")
        response = await self._create(request)
        if fault is None:
            return response
        return await apply_to_mint(fault, response, request, self.tokens.clock)

    async def not_found(self, _request: web.Request) -> web.Response:
        """Return 404: tokens cannot be read, listed or revoked (measured 2026-09-18)."""
        error = RpcError(HTTPStatus.NOT_FOUND, "NOT_FOUND", "Method not found.")
        return web.json_response(error.body(), status=error.http)

    async def _create(self, request: web.Request) -> web.Response:
        """Mint a token. The response has only its name: Google's other fields are input-only."""
        try:
            self.keys.check_request(Credentials.from_request(request.headers, request.query))
            name = self.tokens.mint(await self._body(request), request.match_info["version"])
        except RpcError as error:
            self.statuses[error.http] += 1
            return web.json_response(error.body(), status=error.http)
        self.statuses[200] += 1
        return web.json_response({"name": name})

    async def _body(self, request: web.Request) -> bytes:
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise invalid_argument(f"Request payload size exceeds the limit: {LARGEST_BODY} bytes.") from None

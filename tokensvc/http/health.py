"""GET /livez: the process answers. GET /readyz: it can issue tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from tokensvc import counted
from tokensvc.errors import Blocked

if TYPE_CHECKING:
    from tokensvc.store.blocks import Blocks


def blueprint(blocks: Blocks) -> Blueprint:
    """The routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/livez")
    def live() -> Response:
        return _ok()

    @routes.get("/readyz")
    def ready() -> Response:
        # Takes the store's write lock, as a mint does: a store that cannot be written is a 503.
        if any(block.key == counted.EVERYONE_BLOCK for block in blocks.in_force()):
            raise Blocked("Everybody is blocked at the moment.", cause="everyone")
        return _ok()

    return routes


def _ok() -> Response:
    return Response("ok\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})

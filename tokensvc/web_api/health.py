"""GET /livez: the process answers. GET /readyz: send it requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from tokensvc import quota_keys

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
        # A block is said and is no 503: without us a balancer would have nobody to tell visitors.
        blocked = any(block.key == quota_keys.EVERYONE_BLOCK for block in blocks.in_force())
        return _ok(", and everybody is blocked" if blocked else "")

    return routes


def _ok(remark: str = "") -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(f"ok{remark}\n", mimetype="text/plain", headers=headers)

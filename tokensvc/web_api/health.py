"""GET /livez: whether to restart this instance. GET /readyz: whether to send it requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from tokensvc import quota_keys
from tokensvc.web_api import bodies

if TYPE_CHECKING:
    from tokensvc.store.blocks import Blocks


def blueprint(blocks: Blocks) -> Blueprint:
    """Return the routes; each returns JSON with a `status`."""
    routes = Blueprint("health", __name__)

    @routes.get("/livez")
    def live() -> Response:
        return bodies.json_answer({"status": "ok"})

    @routes.get("/readyz")
    def ready() -> Response:
        # Takes the store's write lock, like a mint, so a store that cannot be written gives a 503.
        # A block of everyone gives a 200, or a load balancer would have no instance left.
        blocked = any(block.key == quota_keys.EVERYONE_BLOCK for block in blocks.in_force())
        return bodies.json_answer({"status": "ok", "everybody_blocked": blocked})

    return routes

"""GET /livez: whether to restart this instance. GET /readyz: whether to send it requests."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from tokensvc import quota_keys
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.web_api import bodies

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.store.blocks import Blocks

FRESH = 1.0  # seconds for which a result is repeated


def blueprint(blocks: Blocks, steady: Callable[[], float] = time.monotonic) -> Blueprint:
    """Return the routes; each returns JSON with a `status`. *steady* is a clock in seconds."""
    routes = Blueprint("health", __name__)
    readiness = _Readiness(blocks, steady)

    @routes.get("/livez")
    def live() -> Response:
        return bodies.json_answer({"status": "ok"})

    @routes.get("/readyz")
    def ready() -> Response:
        # A block of everyone gives a 200, or a load balancer would have no instance left.
        return bodies.json_answer({"status": "ok", "everybody_blocked": readiness.blocked()})

    return routes


class _Readiness:
    """Asks the store, at most once in `FRESH`: callers of /readyz are not authenticated."""

    def __init__(self, blocks: Blocks, steady: Callable[[], float]) -> None:
        self._blocks = blocks
        self._steady = steady
        self._asking = threading.Lock()
        self._asked_at = -FRESH
        self._result: bool | TemporarilyUnavailable = False

    def blocked(self) -> bool:
        """Return whether everyone is blocked.

        Raises:
            TemporarilyUnavailable: if the store cannot be used.
        """
        if not self._asking.acquire(timeout=FRESH):
            raise TemporarilyUnavailable(cause="store: does not answer")
        try:
            if self._steady() >= self._asked_at + FRESH:
                self._result = self._ask()
                self._asked_at = self._steady()
        finally:
            self._asking.release()
        if isinstance(self._result, TemporarilyUnavailable):
            raise self._result.with_traceback(None)
        return self._result

    def _ask(self) -> bool | TemporarilyUnavailable:
        try:
            # Takes the store's write lock, like a mint: a store that cannot be written is noticed.
            return any(block.key == quota_keys.EVERYONE_BLOCK for block in self._blocks.in_force())
        except TemporarilyUnavailable as refusal:
            return refusal

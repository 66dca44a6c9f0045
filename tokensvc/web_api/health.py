"""GET /livez: whether to restart this instance. GET /readyz: whether to send it requests."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from flask import Blueprint, Response

from tokensvc import quota_keys
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.store.blocks import Blocks
from tokensvc.web_api import bodies

FRESH = 1.0  # seconds for which a result is repeated, and for which a request waits for one


def blueprint(blocks: Blocks, probe: Callable[[], None]) -> Blueprint:
    """Return the routes; *probe* writes to the store, or raises TemporarilyUnavailable."""
    routes = Blueprint("health", __name__)
    readiness = _Readiness(blocks, probe)

    @routes.get("/livez")
    def live() -> Response:
        return bodies.json_answer({"status": "ok"})

    @routes.get("/readyz")
    def ready() -> Response:
        # A block of everyone gives a 200, or a load balancer would have no instance left.
        return bodies.json_answer({"status": "ok", "everybody_blocked": readiness.blocked()})

    return routes


class _Readiness:
    """Tries the store, at most once in `FRESH`: callers of /readyz are not authenticated."""

    def __init__(self, blocks: Blocks, probe: Callable[[], None]) -> None:
        self._blocks = blocks
        self._probe = probe
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._tried: Future[bool] | None = None
        self._ended_at = -FRESH

    def blocked(self) -> bool:
        """Return whether everyone is blocked.

        Raises:
            TemporarilyUnavailable: if the store cannot be written, or does not answer in time.
        """
        try:
            return self._latest().result(FRESH)
        except TemporarilyUnavailable as refusal:
            raise refusal.with_traceback(None) from None  # or it would grow: many requests raise the same one
        except (TimeoutError, RuntimeError):  # RuntimeError: no thread can be started
            raise TemporarilyUnavailable(cause="store: does not answer", retry_after=1) from None

    def _latest(self) -> Future[bool]:
        """Return the result if it is fresh, or else that of a try that has begun."""
        with self._lock:
            tried = self._tried
            if tried is None or (tried.done() and time.monotonic() >= self._ended_at + FRESH):
                self._tried = tried = self._thread.submit(self._try)
            return tried

    def _try(self) -> bool:
        try:
            self._probe()
            return any(block.key == quota_keys.EVERYONE_BLOCK for block in self._blocks.in_force())
        finally:
            self._ended_at = time.monotonic()

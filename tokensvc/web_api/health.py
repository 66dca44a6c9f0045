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


def blueprint(blocks: Blocks, probe: Callable[[], None], steady: Callable[[], float] = time.monotonic) -> Blueprint:
    """Return the routes; each returns JSON with a `status`.

    *probe* writes to the store, or raises TemporarilyUnavailable; *steady* is a clock in seconds.
    """
    routes = Blueprint("health", __name__)
    readiness = _Readiness(blocks, probe, steady)

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

    def __init__(self, blocks: Blocks, probe: Callable[[], None], steady: Callable[[], float]) -> None:
        self._blocks = blocks
        self._probe = probe
        self._steady = steady
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._tried: Future[bool | TemporarilyUnavailable] | None = None
        self._ended_at = -FRESH

    def blocked(self) -> bool:
        """Return whether everyone is blocked.

        Raises:
            TemporarilyUnavailable: if the store cannot be written, or does not answer in time.
        """
        try:
            result = self._latest().result(FRESH)
        except (TimeoutError, RuntimeError):  # RuntimeError: no thread can be started
            raise TemporarilyUnavailable(cause="store: does not answer", retry_after=1) from None
        if isinstance(result, TemporarilyUnavailable):
            raise result.with_traceback(None)
        return result

    def _latest(self) -> Future[bool | TemporarilyUnavailable]:
        """Return the result if it is fresh, or else that of a try that has begun."""
        with self._lock:
            tried = self._tried
            if tried is None or (tried.done() and self._steady() >= self._ended_at + FRESH):
                self._tried = tried = self._thread.submit(self._try)
            return tried

    def _try(self) -> bool | TemporarilyUnavailable:
        try:
            self._probe()
            return any(block.key == quota_keys.EVERYONE_BLOCK for block in self._blocks.in_force())
        except TemporarilyUnavailable as refusal:
            return refusal
        finally:
            self._ended_at = self._steady()

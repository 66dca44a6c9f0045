"""Writes the one log line of each request, with what is known of it, and reports it to the metrics."""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tokensvc import logs

Facts = Mapping[str, Any]

_log = logging.getLogger(__name__)
_KEY = "tokensvc.observed"  # in a request's environment
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.ASCII)


class Observing:
    """WSGI middleware around everything that answers."""

    def __init__(self, app: WSGIApplication, hashing_key: bytes | None, *reports: Callable[[Facts], None]) -> None:
        """With a *hashing_key*, subjects are logged as digests. Each of *reports* is given the facts of each line."""
        self._app = app
        self._hashing_key = hashing_key
        self.reports = [*reports]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        known = logs.begin_request()
        known["request_id"] = _choose_id(environ)
        environ[_KEY] = self._write, known
        return self._app(environ, start_response)

    def _write(self, message: str, level: int, facts: Facts) -> None:
        for report in self.reports:
            report(facts)
        facts = {name: fact for name, fact in facts.items() if name != "rule"}
        if _log.isEnabledFor(level):
            _log.log(level, message, extra={"facts": self._shown(facts)})

    def _shown(self, facts: Facts) -> Facts:
        if self._hashing_key is None or "subject" not in facts:
            return facts
        person = f"{facts['issuer']} {facts['subject']}".encode()
        return {**facts, "subject": hmac.digest(self._hashing_key, person, hashlib.sha256).hex()[:16]}


def request_id(environ: WSGIEnvironment) -> str:
    """Return the caller's X-Request-Id or trace ID (W3C Trace Context) if it is well formed, or else a new one."""
    _, known = environ[_KEY]
    return str(known["request_id"])


def record(environ: WSGIEnvironment, message: str, level: int = logging.INFO, *, rule: str, **facts: object) -> None:
    """Write the line of a request; *message* is always the same for what happened, and *facts* hold no secret.

    *rule* is the address as it is routed, of which there are few.
    """
    write, known = environ[_KEY]
    write(message, level, {**known, **facts, "rule": rule})


def _choose_id(environ: WSGIEnvironment) -> str:
    offered = environ.get("HTTP_X_REQUEST_ID", "")
    if _REQUEST_ID.fullmatch(offered):
        return str(offered)
    traced = _TRACE.fullmatch(environ.get("HTTP_TRACEPARENT", ""))
    return traced[1] if traced else secrets.token_hex(16)

"""Turns every error into a response (RFC 9457) and a log line."""

import json
import logging
import math
import re
from http import HTTPStatus
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from tokensvc import errors
from tokensvc.web_api import observing
from tokensvc.web_api.headers import quota_headers
from tokensvc.web_api.origins import PROBED

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_WORDS = re.compile("(/assets/[0-9a-f]{32})?(/[a-z._-]{0,24}){1,6}", re.ASCII)
_TYPES = "https://tokensvc.dev/errors/"
_BY_STATUS: dict[int, type[errors.Refusal]] = {
    400: errors.InvalidRequest,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
}


def install(app: Flask) -> None:
    """Make *app* turn errors into problem documents, and send the request ID in every response."""
    app.after_request(_complete)
    app.register_error_handler(errors.Refusal, answer)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def request_id() -> str:
    """Return the id of the current request, as in its response, the log and the audit."""
    return observing.request_id(request.environ)


def document(refusal: errors.Refusal, request: str) -> str:
    """Return the problem document for *refusal*; *request* is the ID of the request."""
    return json.dumps(
        {
            "type": _TYPES + refusal.code,
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.detail,
            "instance": f"urn:request:{request}",
            "code": refusal.code,
            "retryable": refusal.retryable,
        }
    )


def answer(refusal: errors.Refusal) -> Response:
    """Return the response for *refusal*, and log the refusal with its cause."""
    record(request.environ, refusal, _rule(), _route())
    return Response(document(refusal, request_id()), refusal.status, headers(refusal), MEDIA_TYPE)


def record(environ: WSGIEnvironment, refusal: errors.Refusal, rule: str, route: str) -> None:
    """Write the line of a request that *refusal* ends; see `observing.record`."""
    level = logging.ERROR if refusal.status >= 500 else logging.INFO  # noqa: PLR2004 - a server error
    about = {"status": refusal.status, "code": refusal.code, "cause": refusal.cause}
    observing.record(environ, "request refused", level, rule=rule, route=route, **about)


def headers(refusal: errors.Refusal) -> list[tuple[str, str]]:
    """Return what a response for *refusal* has for headers, besides those of every response."""
    found = [("Cache-Control", "no-store"), *quota_headers(refusal.quotas)]
    if refusal.retry_after is not None:
        found.append(("Retry-After", str(max(1, math.ceil(refusal.retry_after)))))
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        challenge = 'Bearer realm="token"'
        if isinstance(refusal, errors.InvalidToken):
            fault = "expired" if isinstance(refusal, errors.ExpiredToken) else "invalid"
            challenge += f', error="invalid_token", error_description="{fault}"'
        found.append(("WWW-Authenticate", challenge))
    return found


def _complete(response: Response) -> Response:
    """Send the request's ID, and log a request that has no line yet. No query, no header: both may contain a secret."""
    response.headers["X-Request-Id"] = request_id()
    if response.mimetype != MEDIA_TYPE and request.path not in PROBED:
        observing.record(request.environ, "request served", rule=_rule(), route=_route(), status=response.status_code)
    return response


def _rule() -> str:
    return request.url_rule.rule if request.url_rule else "other"


def _route() -> str:
    path = request.path if _WORDS.fullmatch(request.path) else _rule()  # somebody may have pasted a secret into it
    return f"{request.method} {path}"


def _answer_http(error: HTTPException) -> Response:
    status = error.code or 500
    refusal = _BY_STATUS.get(status, errors.InternalError if status >= 500 else errors.InvalidRequest)  # noqa: PLR2004 - a server error
    response = answer(refusal(cause=f"HTTP {error.code}"))
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    return response


def _answer_unexpected(error: Exception) -> Response:
    _log.error("request failed id=%s error=%s", request_id(), type(error).__name__, exc_info=error)
    return answer(errors.InternalError(cause=type(error).__name__))

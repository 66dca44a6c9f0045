"""Turns every error into a response (RFC 9457) and a log line."""

from __future__ import annotations

import json
import logging
import math
import re
import traceback
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from tokensvc import errors
from tokensvc.web_api import quotas

if TYPE_CHECKING:
    from flask import Flask

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_TYPES = "https://tokensvc.dev/errors/"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_BY_STATUS: dict[int, type[errors.Refusal]] = {
    400: errors.InvalidRequest,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
}


def install(app: Flask) -> None:
    """Make *app* turn errors into problem documents, and send the request ID in every response."""
    app.before_request(_set_request_id)
    app.after_request(_write_request_id)
    app.register_error_handler(errors.Refusal, answer)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def request_id() -> str:
    """Return the id of the current request, as in its response, the log and the audit."""
    if "request_id" not in g:
        _set_request_id()
    current: str = g.request_id
    return current


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
    _log.log(
        logging.ERROR if refusal.status >= 500 else logging.INFO,  # noqa: PLR2004 - a server error
        "request refused id=%s code=%s cause=%s",
        request_id(),
        refusal.code,
        refusal.cause,
    )
    response = Response(document(refusal, request_id()), status=refusal.status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after)))
    quotas.write(response, refusal.quotas)
    if isinstance(refusal, errors.InvalidToken):
        expired = isinstance(refusal, errors.ExpiredToken)
        response.headers["WWW-Authenticate"] = (
            'Bearer realm="token", error="invalid_token", error_description='
            + ('"expired"' if expired else '"invalid"')
        )
    elif refusal.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="token"'
    return response


def _set_request_id() -> None:
    offered = request.headers.get("X-Request-Id", "")
    g.request_id = offered if _REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex


def _write_request_id(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    return response


def _answer_http(error: HTTPException) -> Response:
    refusal = _BY_STATUS.get(error.code or 500)
    if refusal is None:
        refusal = errors.InvalidRequest if (error.code or 500) < 500 else errors.InternalError  # noqa: PLR2004 - a client error
    response = answer(refusal(cause=f"HTTP {error.code}"))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _answer_unexpected(error: Exception) -> Response:
    # Without the error's message, which may contain a secret.
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("request failed id=%s error=%s\n%s", request_id(), type(error).__name__, frames)
    return answer(errors.InternalError(cause=type(error).__name__))

"""Reads bodies and credentials strictly, and writes answers that nobody may keep."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request
from werkzeug.exceptions import HTTPException

from tokensvc import strict_json
from tokensvc.domain import Credentials
from tokensvc.errors import InvalidRequest, InvalidToken, TooLarge, UnsupportedMediaType
from tokensvc.web_api.origins import client_address

LONGEST_BODY = 16 * 1024  # bytes
# A body in chunks is cut where reading stops: one byte more tells that it was longer.
MOST_READ = LONGEST_BODY + 1
LONGEST_TEXT = 1024  # characters of one value
LONGEST_SECRET = 4096  # of a lease, or of Google's handle


def credentials() -> Credentials:
    """What the request brought to say who is asking.

    Raises:
        InvalidToken: for an Authorization header of another scheme, or several.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return Credentials(unverified_bearer=None, address=client_address())
    scheme, _, unverified = header.partition(" ")
    unverified = unverified.strip(" \t")  # the blanks that HTTP allows, and no others
    if scheme.lower() != "bearer" or not unverified or "," in unverified or " " in unverified:
        raise InvalidToken(cause="not one Bearer credential")
    return Credentials(unverified_bearer=unverified, address=client_address())


def json_object(*known: str) -> dict[str, Any]:
    """The body's JSON object, `{}` for none, with no fields but *known*.

    Raises:
        UnsupportedMediaType: for a body not declared as JSON.
        InvalidRequest: for one that is no JSON object, or has an unknown field or one twice.
        TooLarge: for one over `LONGEST_BODY`.
    """
    content = _content()
    if len(content) > LONGEST_BODY:
        raise TooLarge
    if not content:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        body = strict_json.loads(content)
        json.dumps(body, ensure_ascii=False).encode()  # fails for half a surrogate pair
    except ValueError:
        raise InvalidRequest("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    for name in body:
        if name not in known:
            raise InvalidRequest(
                f"The body has an unknown field; the fields are: {', '.join(known) or 'none'}."
            )
    return body


def require_json() -> None:
    """Refuse what a page of another site could send without asking first (a form, plain text).

    Raises:
        UnsupportedMediaType: for a request not declared as JSON, even without a body.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType


def json_answer(content: dict[str, Any]) -> Response:
    """200 with *content* in its own order; it may hold a secret, so no cache keeps it."""
    response = Response(json.dumps(content), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Authorization")
    return response


def text(
    body: dict[str, Any], name: str, default: str | None = None, longest: int = LONGEST_TEXT
) -> str:
    """The string *name* of *body*.

    Raises:
        InvalidRequest: where it is missing, no string, or too long.
    """
    value = body.get(name, default)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise InvalidRequest(f"“{name}” must be a string of 1 to {longest} characters.")
    return value


def secret(body: dict[str, Any], name: str) -> str | None:
    """The string *name* of *body*, visible ASCII; None where it is missing.

    Raises:
        InvalidRequest: where it is anything else.
    """
    if name not in body:
        return None
    value = text(body, name, longest=LONGEST_SECRET)
    if not value.isascii() or not value.isprintable():
        raise InvalidRequest(f"“{name}” is not one of ours.")
    return value


def texts(body: dict[str, Any], name: str) -> dict[str, str]:
    """The object *name* of *body*, whose values are strings; `{}` where it is missing.

    Raises:
        InvalidRequest: where it is anything else.
    """
    value = body.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise InvalidRequest(f"“{name}” must be an object whose values are strings.")
    return value


def _content() -> bytes:
    try:
        return request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception:  # noqa: BLE001 - each WSGI server has its own error for a body framed badly
        raise InvalidRequest("The body could not be read to its end.") from None

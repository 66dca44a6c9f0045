"""Reads request bodies and credentials strictly, and writes answers that no cache keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Self

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException

from tokensvc import strict_json
from tokensvc.domain import Credentials
from tokensvc.errors import InvalidRequest, InvalidToken, TooLarge, UnsupportedMediaType
from tokensvc.web_api.origins import client_address

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_BODY = 16 * 1024  # bytes
# A body in chunks is cut where reading stops: one byte more tells that it was longer.
MOST_READ = LONGEST_BODY + 1

Text = Annotated[str, Field(min_length=1, max_length=1024)]
TEXT = "a string of 1 to 1024 characters"
Secret = Annotated[str, Field(pattern=r"^[ -~]{1,4096}$")]  # a lease, or Google's handle
SECRET = "a string of 1 to 4096 visible ASCII characters"  # noqa: S105 - a description


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


class Body(BaseModel):
    """The JSON object that a route takes; each field's description completes “must be …”."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def read(cls) -> Self:
        """Parse the request's body; a missing one counts as `{}`.

        Raises:
            UnsupportedMediaType: if a body is not declared as JSON.
            InvalidRequest: if it is not the JSON object that this class describes.
            TooLarge: if it is over `LONGEST_BODY`.
        """
        content = _content()
        if len(content) > LONGEST_BODY:
            raise TooLarge
        if content and request.mimetype != "application/json":
            raise UnsupportedMediaType
        try:
            body = strict_json.loads(content or b"{}")
        except ValueError:
            raise InvalidRequest("The body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise InvalidRequest("The body must be a JSON object.")
        for name, field in cls.model_fields.items():
            if body.get(name, "") is None:  # None stands for an absent field in here only
                raise InvalidRequest(f"“{name}” must be {field.description}.")
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise InvalidRequest(cls._sentence(error.errors(include_input=False)[0])) from None

    @classmethod
    def _sentence(cls, error: Mapping[str, Any]) -> str:
        """What is wrong, in our own words: pydantic's could quote the body."""
        fields = cls.model_fields
        if error["type"] == "extra_forbidden":
            listed = ", ".join(fields) or "none"
            return f"The body has an unknown field; the fields are: {listed}."
        if not error["loc"]:
            return str(error["ctx"]["error"])  # a model validator's, so ours
        name = str(error["loc"][0])
        return f"“{name}” must be {fields[name].description}."


class EmptyBody(Body):
    """A body without fields."""


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


def _content() -> bytes:
    try:
        return request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception:  # noqa: BLE001 - each WSGI server has its own error for a body framed badly
        raise InvalidRequest("The body could not be read to its end.") from None

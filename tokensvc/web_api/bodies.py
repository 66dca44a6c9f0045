"""Parses request bodies and credentials strictly, and writes JSON responses that are not cached."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from flask import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug import Request
from werkzeug.exceptions import HTTPException

from tokensvc import strict_json
from tokensvc.domain import Credentials
from tokensvc.errors import InvalidRequest, InvalidToken, TooLarge, UnsupportedMediaType
from tokensvc.web_api.origins import SIGNED_IN

LONGEST_BODY = 16 * 1024  # bytes
# A chunked body is cut off at this length: the extra byte shows that it was too long.
MOST_READ = LONGEST_BODY + 1

Text = Annotated[str, Field(min_length=1, max_length=1024)]
TEXT = "a string of 1 to 1024 characters"
Secret = Annotated[str, Field(pattern=r"^[ -~]{1,4096}$")]  # a lease, or Google's handle
SECRET = "a string of 1 to 4096 visible ASCII characters"  # noqa: S105 - a description


def credentials(request: Request, address: str) -> Credentials:
    """Return the credentials of *request*, which comes from *address*.

    Raises:
        InvalidToken: if the Authorization header is not a single Bearer credential.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return Credentials(unverified_bearer=None, address=address, signed_in=request.environ.get(SIGNED_IN))
    scheme, _, unverified = header.partition(" ")
    unverified = unverified.strip(" \t")  # only the whitespace that HTTP allows
    if scheme.lower() != "bearer" or not unverified or "," in unverified or " " in unverified:
        raise InvalidToken(cause="not one Bearer credential")
    return Credentials(unverified_bearer=unverified, address=address)


class Body(BaseModel):
    """The JSON object that a route accepts; a field's description completes “must be …”."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def read(cls, request: Request) -> Self:
        """Parse the body of *request*; a missing body counts as `{}`.

        Raises:
            UnsupportedMediaType: if a body is not declared as JSON, or is compressed.
            InvalidRequest: if it is not the JSON object that this class describes.
            TooLarge: if it is over `LONGEST_BODY`.
        """
        content = _content(request)
        if len(content) > LONGEST_BODY:
            raise TooLarge
        if request.content_encoding or (content and request.mimetype != "application/json"):
            raise UnsupportedMediaType
        try:
            body = strict_json.loads(content or b"{}")
        except ValueError:
            raise InvalidRequest("The body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise InvalidRequest("The body must be a JSON object.")
        for name, field in cls.model_fields.items():
            if body.get(name, "") is None:  # null is not the same as leaving the field out
                raise InvalidRequest(f"“{name}” must be {field.description}.")
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise InvalidRequest(cls._sentence(error.errors(include_input=False)[0])) from None

    @classmethod
    def _sentence(cls, error: Mapping[str, Any]) -> str:
        """Describe *error* in our own words: pydantic's message could quote the body."""
        fields = cls.model_fields
        if error["type"] == "extra_forbidden":
            listed = ", ".join(fields) or "none"
            return f"The body has an unknown field; the fields are: {listed}."
        if not error["loc"]:
            return str(error["ctx"]["error"])  # from one of our validators
        name = str(error["loc"][0])
        return f"“{name}” must be {fields[name].description}."


class EmptyBody(Body):
    """A body without fields."""


def json_answer(content: dict[str, Any]) -> Response:
    """Return a 200 with *content*, which may contain a secret and so must not be cached."""
    response = Response(json.dumps(content), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Authorization")
    return response


def _content(request: Request) -> bytes:
    invalid = InvalidRequest("The body is incomplete or its framing is invalid.")
    try:
        content = request.get_data(cache=False)
    except HTTPException:  # Werkzeug's own, with a status
        raise
    except Exception as error:  # noqa: BLE001 - each WSGI server has its own error for invalid framing
        raise getattr(error, "refusal", invalid) from None
    if len(content) < (request.content_length or 0):  # for gunicorn, the end of the connection ends the body, too
        raise invalid
    return content

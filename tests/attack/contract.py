"""Compares answers with web/openapi.json, more strictly than the document itself: nothing may be undocumented."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from wheels import CLONE

if TYPE_CHECKING:
    from programs import Answer

DOCUMENT = json.loads((CLONE / "web/openapi.json").read_text(encoding="utf-8"))
POSTS = [path for path, operations in DOCUMENT["paths"].items() if "post" in operations]
# HTTP's own, of every answer.
_FRAMING = {"server", "date", "connection", "content-type", "content-length", "content-encoding"}


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return *part* of the document, or what it refers to."""
    for name in part.get("$ref", "#").split("/")[1:]:
        part = DOCUMENT[name] if name == "components" else part[name]
    return part


def operation(method: str, path: str) -> dict[str, Any]:
    return DOCUMENT["paths"][path][method.lower()]


@cache
def documented_codes() -> dict[str, int]:
    """Return each problem's code with its status."""
    shapes = [
        content["schema"]["allOf"][1]["properties"]
        for response in DOCUMENT["components"]["responses"].values()
        for kind, content in response.get("content", {}).items()
        if kind == "application/problem+json"
    ]
    return {code: shape["status"]["const"] for shape in shapes for code in shape["code"]["enum"]}


def faults(response: dict[str, Any], answer: Answer) -> list[str]:
    """Return every difference between *answer* and the *response* that the document describes."""
    response = resolved(response)
    headers = {name.lower(): resolved(header) for name, header in response["headers"].items()}
    found = [f"undocumented header {name}" for name in answer.headers.keys() - headers.keys() - _FRAMING]
    for name, header in headers.items():
        value: Any = answer.headers.get(name)
        if value is None:
            found += [f"no header {name}"] if header.get("required") else []
            continue
        if header["schema"].get("type") == "integer":
            value = int(value)
        found += [f"{name}: {error.message}" for error in _validator(header["schema"]).iter_errors(value)]
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    content = response.get("content", {})
    if not content:
        return found + (["a body"] if answer.body else [])
    if not {media_type, "*/*"} & content.keys():
        return [*found, f"is {media_type}"]
    if media_type.endswith("json") and media_type in content:
        errors = _validator(content[media_type]["schema"]).iter_errors(answer.json)
        found += [f"{list(error.instance_path)}: {error.message}" for error in errors]
    return found


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return _compiled(json.dumps(schema))


@cache
def _compiled(schema: str) -> jsonschema_rs.Draft202012Validator:
    closed = _closed({**json.loads(schema), "components": DOCUMENT["components"]})
    return jsonschema_rs.Draft202012Validator(closed, validate_formats=True)


def _closed(schema: Any) -> Any:
    """Return *schema* without room for properties that it does not list."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed

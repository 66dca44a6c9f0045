"""Checks what the model (or the visitor) gives a tool against the locked declaration."""

import json
from collections.abc import Callable, Mapping
from typing import Any

_TYPES: dict[str, Callable[[Any], bool]] = {
    "STRING": lambda value: isinstance(value, str),
    "NUMBER": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "INTEGER": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "BOOLEAN": lambda value: isinstance(value, bool),
    "ARRAY": lambda value: isinstance(value, list),
    "OBJECT": lambda value: isinstance(value, dict),
    "NULL": lambda value: value is None,
}


def normal(args: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the same type
    """Return *args* with 1.0 as 1: to JSON they are the same number, and so they make the same call."""
    return json.loads(json.dumps(args), parse_float=_number)


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def check(value: object, schema: Mapping[str, Any], path: str = "args") -> None:
    """Check *value* against *schema* (Google's Schema); an object may have no key that the schema does not name.

    Raises:
        ValueError: saying what is wrong, for the model to correct.
    """
    if value is None and schema.get("nullable"):
        return
    if alternatives := schema.get("anyOf", schema.get("any_of")):
        _check_any(value, alternatives, path)
        return
    expected = schema.get("type")
    if expected in _TYPES and not _TYPES[expected](value):
        raise ValueError(f"{path} must be of type {expected.lower()}.")
    if schema.get("enum") and value not in schema["enum"]:
        raise ValueError(f"{path} must be one of {', '.join(map(str, schema['enum']))}.")
    if isinstance(value, list):
        for index, item in enumerate(value):
            check(item, schema.get("items") or {}, f"{path}[{index}]")
    elif isinstance(value, dict) and (expected == "OBJECT" or path == "args"):
        _check_object(value, schema, path)


def _check_object(value: dict[str, Any], schema: Mapping[str, Any], path: str) -> None:
    properties = schema.get("properties") or {}
    for name in schema.get("required") or ():
        if name not in value:
            raise ValueError(f"{path}.{name} is missing.")
    for name, item in value.items():
        if name in properties:
            check(item, properties[name], f"{path}.{name}")
        elif properties or path == "args":  # a schema without properties describes an object of any kind
            raise ValueError(f"{path} has an unknown key.")


def _check_any(value: object, alternatives: list[Mapping[str, Any]], path: str) -> None:
    for alternative in alternatives:
        try:
            check(value, alternative, path)
        except ValueError:
            continue
        return
    raise ValueError(f"{path} fits none of the types that it may have.")

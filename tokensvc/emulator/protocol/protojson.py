"""Proto-JSON: normalizes a client's message to one spelling, with the API's own error messages.

protobuf's own `json_format` would accept the same messages, but words its errors differently.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.protocol.errors import InvalidPayloadError, unknown_name
from tokensvc.emulator.protocol.messages import ENUMS, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta"
# The nesting limit of protobuf's own JSON reader.
DEPTH = 100
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_INT32 = 2**31
_INT64 = 2**63


def loads(text: str | bytes) -> Any:  # noqa: ANN401 - JSON of any type
    """Parse JSON as received.

    Raises:
        InvalidPayloadError: if it is invalid, in the API's words.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        value = json.loads(text, parse_constant=_reject_constant)  # NaN, Infinity
        if "\\ud" in text or "\\uD" in text:
            # A lone surrogate is not valid text; encoding finds it anywhere in the value.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidPayloadError("Invalid JSON payload received. Unexpected token.") from None
    return value


def _reject_constant(name: str) -> None:
    raise ValueError(name)


def parse(message: str, value: object, path: str = "") -> dict[str, Any]:
    """Parse *value* as the message type *message*: camelCase keys, enums by name, no nulls.

    Both spellings of a field are accepted at any depth, as protobuf does. *path* is the message's
    location, in the snake_case that errors use (``setup.generation_config``).

    Raises:
        InvalidPayloadError: for the first invalid field.
    """
    if not isinstance(value, dict):
        raise InvalidPayloadError(
            "Invalid JSON payload received. Root element must be a message."
            if not path
            else _invalid(path, f"{PACKAGE}.{message}", value)
        )
    return _message(message, value, path, DEPTH)


def decode_base64(data: str) -> bytes:
    """Decode base64 as proto-JSON does: standard or URL-safe, with or without padding.

    Raises:
        InvalidPayloadError: if it is neither.
    """
    try:
        if "-" in data or "_" in data:
            data = data.replace("-", "+").replace("_", "/")
        if len(data) % 4:
            data += "=" * (-len(data) % 4)
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidPayloadError("Invalid value at 'data' (TYPE_BYTES), Base64 decoding failed") from None


def timestamp_seconds(timestamp: str) -> float:
    """Return a timestamp as Unix seconds.

    Raises:
        InvalidPayloadError: if it is not a proto-JSON timestamp.
    """
    found = _TIMESTAMP.fullmatch(timestamp)
    if found is None:
        raise InvalidPayloadError(f"Illegal timestamp: {timestamp!r}")
    whole, fraction, zone = found.groups()
    moment = datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
    return moment.timestamp() + float(fraction or 0)


def duration(seconds: float) -> str:
    """Write a duration as proto-JSON does: ``10s``, ``0.160s``."""
    return f"{seconds:.3f}s".replace(".000s", "s")


def camel(name: str) -> str:
    """Return ``voiceConfig`` for both ``voice_config`` and ``voiceConfig``."""
    if "_" not in name:
        return name
    head, *tail = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail)


def snake(name: str) -> str:
    """Return ``voice_config`` for ``voiceConfig``; error paths use this spelling."""
    return re.sub(r"(?<!^)([A-Z])", lambda found: "_" + found[1].lower(), name)


def _invalid(path: str, kind: str, value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False)[:60]
    return f"Invalid value at '{path}' ({kind}), {shown}"


def _message(name: str, value: dict[str, object], path: str, depth: int) -> dict[str, Any]:
    fields = MESSAGES[name]
    out: dict[str, Any] = {}
    for key, item in value.items():
        field = key if key in fields else camel(key)
        # camel() also accepts mixed spellings, such as voice_Config; the API does not.
        if field not in fields or (key != field and key != snake(field)):
            raise InvalidPayloadError(unknown_name(key[:80], path))
        if item is None:  # in proto-JSON, null means that the field is absent
            continue
        field_path = f"{path}.{snake(field)}" if path else snake(field)
        out[field] = _field(fields[field], item, field_path, depth)
    return out


def _field(kind: str, value: object, path: str, depth: int) -> object:
    if depth == 0:
        raise InvalidPayloadError("Invalid JSON payload received. Message too deep.")
    if kind.endswith("[]"):
        if not isinstance(value, list):
            value = [value]  # a single value counts as a list of one
        return [_field(kind[:-2], item, f"{path}[{index}]", depth) for index, item in enumerate(value)]
    if kind.endswith("{}"):
        if not isinstance(value, dict):
            raise InvalidPayloadError(_invalid(path, "Map", value))
        return {key: _field(kind[:-2], item, f"{path}[{key}]", depth) for key, item in value.items()}
    if kind in MESSAGES:
        if not isinstance(value, dict):
            raise InvalidPayloadError(_invalid(path, f"{PACKAGE}.{kind}", value))
        return _message(kind, value, path, depth - 1)
    if kind in ENUMS:
        return _enum(kind, value, path)
    return SCALARS[kind](value, path)


def _enum(kind: str, value: object, path: str) -> str:
    names = ENUMS[kind]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return names[value]
    if isinstance(value, str) and value.upper() in names:
        return value.upper()
    raise InvalidPayloadError(_invalid(path, f"{PACKAGE}.{kind}", value))


def _string(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidPayloadError(_invalid(path, "TYPE_STRING", value))
    return value


def _bool(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidPayloadError(_invalid(path, "TYPE_BOOL", value))
    return value


def _integer(limit: int, kind: str) -> Callable[[object, str], int]:
    def read_integer(value: object, path: str) -> int:
        # A 64-bit integer may also be sent as a string, and any integer as 1.0 or 1e3.
        number = value
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
            number = int(value)
        if (
            isinstance(number, int | float)
            and not isinstance(number, bool)
            and number % 1 == 0
            and -limit <= number < limit
        ):
            return int(number)
        raise InvalidPayloadError(_invalid(path, kind, value))

    return read_integer


def _float(value: object, path: str) -> float:
    number = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise InvalidPayloadError(_invalid(path, "TYPE_FLOAT", value))
    return number


def _bytes(value: object, path: str) -> str:
    text = _string(value, path)
    try:
        decode_base64(text)
    except InvalidPayloadError:
        raise InvalidPayloadError(f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed") from None
    return text


def _timestamp(value: object, path: str) -> str:
    if isinstance(value, str):
        try:
            timestamp_seconds(value)
        except (ValueError, InvalidPayloadError):
            pass
        else:
            return value
    field = camel(path.rpartition(".")[2])
    raise InvalidPayloadError(
        f"Invalid value at '{path}' (type.googleapis.com/google.protobuf.Timestamp), "
        f"Field '{field}', Illegal timestamp format; timestamps must end with 'Z' or have a "
        "valid timezone offset."
    )


def _struct(value: object, path: str) -> object:
    if not isinstance(value, dict):
        raise InvalidPayloadError(_invalid(path, "type.googleapis.com/google.protobuf.Struct", value))
    return value


def _any(value: object, _path: str) -> object:
    return value


SCALARS: dict[str, Callable[[object, str], object]] = {
    "string": _string,
    "bool": _bool,
    "int32": _integer(_INT32, "TYPE_INT32"),
    "int64": _integer(_INT64, "TYPE_INT64"),
    "float": _float,
    "bytes": _bytes,
    "timestamp": _timestamp,
    "Struct": _struct,
    "any": _any,
}

"""Parses JSON and rejects what two parsers could read differently (RFC 8259, section 4)."""

import json
import math
from typing import Any

DEEPEST = 64  # arrays and objects within each other: what comes after the parser may follow them by recursion


def loads(content: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of *content*.

    Raises:
        ValueError: if it is not UTF-8 or not JSON, is nested too deeply, repeats a key in an
            object, or uses a number that only Python's parser knows, such as NaN or 1e999.
    """
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_reject_duplicate_keys,
            parse_constant=_finite,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _check_depth(value)
    return value


def _check_depth(value: object) -> None:
    level: list[Any] = [[value]]
    for _ in range(DEEPEST + 1):
        items = (item for each in level for item in (each.values() if isinstance(each, dict) else each))
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise ValueError("nested too deeply")


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _finite(text: str) -> float:
    """Return the number that *text* writes; Python's parser would accept NaN and what becomes infinite."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number

"""Parses JSON and rejects what two parsers could read differently (RFC 8259, section 4)."""

import json
from typing import Any, NoReturn


def loads(content: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of *content*.

    Raises:
        ValueError: if it is not UTF-8 or not JSON, is nested too deeply, repeats a key in an
            object, or uses a number that only Python's parser knows, such as NaN.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_reject_duplicate_keys,
            parse_constant=_reject_constant,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return *pairs* as a dict; raise ValueError if a key occurs twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _reject_constant(name: str) -> NoReturn:
    """Raise ValueError for NaN or Infinity, which Python's parser would accept."""
    raise ValueError(f"JSON has no {name}")

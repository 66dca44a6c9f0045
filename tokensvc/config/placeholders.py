"""`${claims.name}` in an instruction: found when a profile is read, filled when it is minted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLACEHOLDER = re.compile(r"\$\{claims\.([A-Za-z0-9_.:/-]+)\}")
LONGEST_CLAIM = 200  # characters
T = TypeVar("T")


def find(value: object) -> Iterator[str]:
    """The name of each claim that a string leaf of *value*, which is JSON, asks for."""
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, dict):
        for below in value.values():
            yield from find(below)
    elif isinstance(value, list):
        for below in value:
            yield from find(below)


def fill(value: T, claims: Mapping[str, str]) -> T:
    """*value*, which is JSON, with the placeholders in its string leaves filled from *claims*.

    What is filled in is not looked at again: a claim that reads like a placeholder stays one.
    """
    filled: object = value
    if isinstance(value, str):
        filled = _PLACEHOLDER.sub(lambda match: claims.get(match[1], ""), value)
    elif isinstance(value, dict):
        filled = {key: fill(below, claims) for key, below in value.items()}
    elif isinstance(value, list):
        filled = [fill(below, claims) for below in value]
    return filled  # type: ignore[return-value] # the shape of JSON stays as it was

"""Finds and fills the placeholders `${claims.name}` in an instruction."""

import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from tokensvc.plain_text import visible

_PLACEHOLDER = re.compile(r"\$\{claims\.([A-Za-z0-9_.:/-]+)\}")
LONGEST_CLAIM = 200  # characters
T = TypeVar("T")


def find(value: object) -> Iterator[str]:
    """Yield the claim named by each placeholder in the strings within *value*, which is JSON."""
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from find(item)
    elif isinstance(value, list):
        for item in value:
            yield from find(item)


def fill(value: T, claims: Mapping[str, str]) -> T:
    """Return *value*, which is JSON, with the placeholders in its strings filled from *claims*.

    A placeholder without a claim becomes empty. Placeholders within a claim are not filled, and its
    invisible characters, which could carry an instruction of their own, are left out.
    """
    filled: object = value
    if isinstance(value, str):
        filled = _PLACEHOLDER.sub(lambda match: visible(claims.get(match[1], "")), value)
    elif isinstance(value, dict):
        filled = {key: fill(item, claims) for key, item in value.items()}
    elif isinstance(value, list):
        filled = [fill(item, claims) for item in value]
    return filled  # type: ignore[return-value] # has the type of *value*

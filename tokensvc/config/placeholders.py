"""Finds and fills the placeholders `${claims.name}` and `${context.name}` in an instruction."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, TypeVar, get_args

from tokensvc.plain_text import visible

Source = Literal["claims", "context"]  # a person's credential, or the backend that started the conversation
SOURCES: tuple[Source, ...] = get_args(Source)
_PLACEHOLDER = re.compile(r"\$\{(claims|context)\.([A-Za-z0-9_.:/-]+)\}")
LONGEST_VALUE = 200  # characters
NONE: Mapping[str, str] = MappingProxyType({})
T = TypeVar("T")


def find(value: object, source: Source = "claims") -> Iterator[str]:
    """Yield the name in each placeholder for *source* in the strings within *value*, which is JSON."""
    if isinstance(value, str):
        yield from (name for found, name in _PLACEHOLDER.findall(value) if found == source)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from find(item, source)


def fill(value: T, claims: Mapping[str, str], context: Mapping[str, str] = NONE) -> T:
    """Return *value*, which is JSON, with its placeholders filled from *claims* and *context*, or else with nothing.

    Placeholders within a value are not filled, and its invisible characters, which could carry an instruction of
    their own, are left out.
    """
    filled: object = value
    if isinstance(value, str):
        values = {"claims": claims, "context": context}
        filled = _PLACEHOLDER.sub(lambda match: visible(values[match[1]].get(match[2], "")), value)
    elif isinstance(value, dict):
        filled = {key: fill(item, claims, context) for key, item in value.items()}
    elif isinstance(value, list):
        filled = [fill(item, claims, context) for item in value]
    return filled  # type: ignore[return-value] # has the type of *value*

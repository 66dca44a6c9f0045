"""Finds the line of a key in a TOML file, which tomllib does not tell."""

import contextlib
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tokensvc.errors import ConfigurationError
from tokensvc.plain_text import decode


@contextlib.contextmanager
def naming_lines(path: Path) -> Iterator[None]:
    """Add the line to each fault of a ConfigurationError about the file at *path*."""
    try:
        yield
    except ConfigurationError as error:
        lines = decode(path.read_bytes()).split("\n")
        faults = [_located(lines, fault) for fault in error.faults]
        raise ConfigurationError(error.source, faults) from None


def _located(lines: Sequence[str], fault: str) -> str:
    """Return *fault*, which begins with a key such as “http.origins.0”, behind its line's number.

    Without such a key, that is the line of the nearest table around it.
    """
    key = fault.partition(":")[0].partition(" ")[0] + "."
    around = [path for path in _paths(_parsed(lines, len(lines))) if key.startswith(f"{path}.")]
    found = max(around, key=len, default="")
    name = next((name for name in reversed(found.split(".")) if not name.isdecimal()), "")
    for number, line in enumerate(lines, 1):
        if name in line and found in _paths(_parsed(lines, number)):
            return f"line {number}: {fault}"
    return fault


def _parsed(lines: Sequence[str], number: int) -> Any:  # noqa: ANN401 - a TOML document
    """Return the document up to the end of the statement that contains line *number*."""
    for end in range(number, len(lines) + 1):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            return tomllib.loads("\n".join(lines[:end]))
    return {}


def _paths(value: Any, above: str = "") -> Iterator[str]:  # noqa: ANN401 - a TOML document
    """Yield the key of everything in *value*; a name may itself contain dots."""
    listed = dict(enumerate(value)) if isinstance(value, list) else value
    for name, inner in listed.items() if isinstance(listed, dict) else ():
        yield f"{above}{name}"
        yield from _paths(inner, f"{above}{name}.")

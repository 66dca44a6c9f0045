"""Writes docs/reference/ from the source: every setting, and every error with its cause and fix.

The meaning of a setting is the docstring below its field in tokensvc/config; that of an environment
variable begins with the variable's name. An error of the service is a class in tokensvc/errors.py: its
docstring is the cause, and `fix` what to do. Those of the client are in a comment of web/live/errors.js.
`make reference` runs this, and a test requires that the committed pages are what it writes.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BeforeValidator
from pydantic.networks import IPvAnyNetwork

from tokensvc import errors
from tokensvc.config import egress, environment, file, values
from tokensvc.config.json_schema import docstrings
from tokensvc.domain import Limit

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE = Path(__file__).parents[1]
FOLDER = CLONE / "docs" / "reference"
_MADE = "<!-- Written by tools/reference.py. Change the source, not this page, and run “make reference”. -->"
_KINDS: dict[object, str] = {
    values.Name: "name",
    values.DailySeconds: "budget",
    Limit: "limit",
    IPvAnyNetwork: "network",
    bool: "`true` or `false`",
    int: "whole number",
    float: "number",
    str: "text",
}
_PLURALS = {"network": "networks", "limit": "limits", "text": "texts"}

_CONFIGURATION = """\
# Configuration: every key

For operators. [configuring.md](../configuring.md) explains how to use these, with examples; `tokensvc check` prints
what is in force. A key that is not listed here is refused.

| type | written as |
|---|---|
| duration | `"90s"`, `"5m"` or `"2h"`; a pause also `"1.5s"` |
| limit | `"10/minute"`: a number for each `second`, `minute`, `hour` or `day` |
| budget | `"2h/day"`: time in a day, by UTC |
| name | 1 to 64 letters, digits, dots, dashes or underscores |
| network | `"10.0.0.0/8"`, or an address |

## Environment

Blanks and quotes around a value are not part of it, and an empty value is the same as none.

"""
_ERRORS = """\
# Errors: every code

For developers of a page and for operators. [api.md](../api.md#errors) describes the form of the service's errors, and
[client.md](../client.md#errors) that of the client's.

## From the service

In the `code` of its answer, and of the client's `LiveError`, which has its sentence as `message`. Those with ↻ are
`retryable`. The request's line in the log has the exact cause.
"""
_CLIENT = """\
## From the client

In the `code` of a `LiveError`. `*` is one of `microphone`, `camera`, `screen` and `speaker`.
"""


def configuration() -> str:
    """Return the page of every environment variable and every key of the file."""
    parts = [_MADE, _CONFIGURATION + _table(("variable", "default", "meaning"), _variables())]
    parts += [
        f"## {heading}\n\n{_first_line(model)}\n\n" + _table(("key", "type", "default", "meaning"), _keys(model))
        for heading, model in _models(file.Configuration, "")
    ]
    return "\n".join(parts)


def every_error() -> str:
    """Return the page of every code of the service and of the client."""
    heads = ("code", "status", "what happened", "what to do")
    service = [
        (f"`{each.code}`", f"{each.status}{' ↻' if each.retryable else ''}", each.__doc__, each.fix)
        for each in sorted(errors.Refusal.__subclasses__(), key=lambda each: (each.status, each.code))
    ]
    return "\n".join([_MADE, _ERRORS, _table(heads, service), _CLIENT, _table(("code", *heads[2:]), _client_codes())])


def _first_line(model: type) -> str:
    return (inspect.getdoc(model) or "").partition("\n")[0]


def _client_codes() -> Iterator[tuple[str, str, str]]:
    source = (CLONE / "web" / "live" / "errors.js").read_text(encoding="utf-8")
    for item in re.findall(r"^ \* - (.*(?:\n \*   .*)*)", source, re.MULTILINE):
        code, cause, fix = re.fullmatch(r"(`[a-z*-]+`): (.+) \| (.+)", re.sub(r"\n \*  ", "", item)).groups()
        yield code, f"{cause[0].upper()}{cause[1:]}.", fix


def _models(model: type[values.Model], path: str) -> Iterator[tuple[str, type[values.Model]]]:
    """Yield *model* and those in it, each with its heading: where it is in the file."""
    yield (f"`{path if path.startswith('[') else f'[{path}]'}`" if path else "At the top of the file"), model
    for name, hint in _hints(model).items():
        for inner in _inner_models(hint):
            below = f"{path}.{name}".lstrip(".") + (".NAME" if "dict[" in str(hint) else "")
            yield from _models(inner, f"[[{below}]]" if typing.get_origin(hint) is tuple else below)


def _hints(model: type[values.Model]) -> dict[str, Any]:
    hints = typing.get_type_hints(model, include_extras=True)
    return {name: hints[name] for name in model.model_fields if not (model is file.Profile and name == "name")}


def _inner_models(hint: object) -> list[type[values.Model]]:
    if isinstance(hint, type) and issubclass(hint, values.Model):
        return [hint]
    return [model for inner in typing.get_args(hint) for model in _inner_models(inner)]


def _keys(model: type[values.Model]) -> Iterator[tuple[str, ...]]:
    meanings = docstrings(inspect.getsource(model))
    for name, hint in _hints(model).items():
        if name not in meanings:
            raise SystemExit(f"{model.__name__}.{name} in tokensvc/config has no meaning: write a docstring below it.")
        field = model.model_fields[name]
        default = "required" if field.is_required() else _written(field.get_default(call_default_factory=True), hint)
        yield f"`{name}`", _kind(hint), default, meanings[name]


def _kind(hint: object) -> str:
    if hint in _KINDS:
        return _KINDS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        readers = [each.func for each in arguments if isinstance(each, BeforeValidator)]
        return "duration" if {values.duration, values.pause} & set(readers) else _kind(arguments[0])
    if origin in {Union, types.UnionType}:
        return _kind(next(each for each in arguments if each is not type(None)))
    if origin is Literal:
        return ", ".join(f'`"{each}"`' for each in arguments)
    if origin is tuple:
        inner = _kind(arguments[0])
        return "tables" if inner == "table" else f"list of {_PLURALS.get(inner, inner)}"
    return "table"


def _written(value: object, hint: object) -> str:  # noqa: PLR0911 - one for each kind of value
    """Return *value*, a default, as it would be written in the file."""
    kind = _kind(hint)
    if value is None or value in ((), {}, ""):
        return "none"
    if isinstance(value, values.Model):
        return "see below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Limit):
        return f'"{values.written_limit(value)}"'
    if isinstance(value, tuple):
        inner = typing.get_args(hint)[0]
        return f"`[{', '.join(_written(each, inner).strip('`') for each in value)}]`"
    if kind in {"duration", "budget"}:
        scale, unit = next((scale, unit) for scale, unit in ((3600, "h"), (60, "m"), (1, "s")) if not value % scale)
        return f'`"{value // scale}{unit}{"/day" if kind == "budget" else ""}"`'
    return f"`{value}`" if isinstance(value, int | float) else f'`"{value}"`'


def _variables() -> Iterator[tuple[str, str, str]]:
    needed = {"GEMINI_API_KEY": "any", "TOKENSVC_SECRET_KEY": "kXb2-9fQz_Lw7RtYp0Vd4GsHn8JmCa1E"}
    settings = environment.Settings.read(needed)
    defaults = {"_LOG_LEVELS": environment.log_level({}).lower()}
    for part in (settings, settings.paths, settings.egress):
        defaults |= vars(part)
    for module in (environment, egress):
        for name, text in docstrings(inspect.getsource(module)).items():
            variable, _, meaning = text.partition(": ")
            if re.fullmatch("`[A-Z_]+`", variable):
                default = f"`{defaults[name]}`" if defaults[name] not in (None, (), ("",)) else "none"
                yield variable, "required" if variable.strip("`") in needed else default, meaning


def _table(heads: tuple[str, ...], rows: typing.Iterable[tuple[str, ...]]) -> str:
    sentences = [(*cells, f"{last[0].upper()}{last[1:].rstrip('.')}.") for *cells, last in rows]
    text = "".join(f"| {' | '.join(row)} |\n" for row in sentences)
    text = re.sub(r"\bdocs/([\w-]+\.md)", r"[\1](../\1)", text)
    return f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|\n{text}"


PAGES = {"configuration.md": configuration, "errors.md": every_error}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (FOLDER / page).write_text(make(), encoding="utf-8")
        print(f"docs/reference/{page}")

"""Declares server tools to the model: Google's SDK reads a function's signature and docstring."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from google.genai import types

from tokensvc.config.tools import load_function
from tokensvc.gemini.models import ModelRules

_GIVEN = {"call", "prepared"}  # parameters that get a `ToolCall`, and what `prepare` returned


def declare(tools: Mapping[str, dict[str, Any]], rules: ModelRules) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the declarations of *tools*, and why some cannot be declared; each fault begins with its key."""
    declared, faults = [], []
    for name, tool in tools.items():
        try:
            function = _of_function(tool) if tool["python"] else _of_url(tool)
            _check(tool, function, rules)
        except ValueError as error:
            faults.append(f"tools.{name}.{error}")
        else:
            description = tool["description"] or function.get("description")
            declared.append(function | {"name": name, "description": description} | _behavior(tool, rules))
    return declared, faults


def _of_function(tool: dict[str, Any]) -> dict[str, Any]:
    function = _import(tool["python"])
    function = getattr(function, "commit", function)
    try:
        signature = inspect.signature(function)
        hints = get_type_hints(function)
    except (TypeError, ValueError, NameError) as error:
        raise ValueError(f"python: its parameters cannot be read: {error}") from None
    if missing := sorted(tool["bind"].keys() - signature.parameters.keys()):
        raise ValueError(f"bind.{missing[0]}: the function has no such parameter")
    shown = [p for p in signature.parameters.values() if p.name not in _GIVEN | tool["bind"].keys()]

    def as_declared() -> None: ...

    as_declared.__doc__ = function.__doc__
    as_declared.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]  # inspect's own way
    as_declared.__annotations__ = {p.name: hints[p.name] for p in shown if p.name in hints}
    for parameter in shown:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise ValueError(f"python: parameter “{parameter.name}” has no name that the model could use")
        if parameter.name not in hints:
            raise ValueError(f"python: parameter “{parameter.name}” has no type; write one, such as str")
    if not inspect.getdoc(function) and not tool["description"]:
        raise ValueError("python: the function has no docstring, which tells the model when to call it")
    try:
        declaration = types.FunctionDeclaration.from_callable_with_api_option(
            callable=as_declared, api_option="GEMINI_API"
        )
    except Exception as error:  # noqa: BLE001 - the SDK raises several kinds
        reason = str(error).partition(" of function")[0].partition(" for automatic")[0]
        raise ValueError(f"python: Google's SDK cannot declare it: {reason}") from None
    return declaration.model_dump(mode="json", exclude_none=True)


def _of_url(tool: dict[str, Any]) -> dict[str, Any]:
    try:
        declaration = types.FunctionDeclaration.model_validate({"parameters": tool["parameters"] or None})
    except ValueError as error:
        raise ValueError(f"parameters: Google's Schema rejects this ({error})") from None
    function = declaration.model_dump(mode="json", exclude_none=True)
    if tool["parameters"] and function["parameters"].get("type") != "OBJECT":
        raise ValueError('parameters.type: write "OBJECT"; the arguments are its properties')
    return function


def _import(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    try:
        found = load_function(path)
    except ImportError as error:
        raise ValueError(f"python: {error}; start the service in the folder of the module") from None
    except AttributeError:
        raise ValueError(f"python: {module} has no “{name}”") from None
    except Exception as error:  # noqa: BLE001 - whatever a site's own module raises
        raise ValueError(f"python: {module} fails when it is imported: {error!r}") from None
    if not callable(getattr(found, "commit", found)):
        raise ValueError(f"python: “{name}” is not a function")  # noqa: TRY004 - reported as a fault
    return found


def _check(tool: dict[str, Any], function: dict[str, Any], rules: ModelRules) -> None:
    known = (function.get("parameters") or {}).get("properties") or {}
    for name in tool["bind"].keys() & known.keys():
        raise ValueError(f"bind.{name}: is also in parameters; a bound argument is not for the model")
    bound = tool["bind"].keys()
    for key, names, possible in (
        ("same", tool["same"], known.keys()),
        ("url", tool["in_url"], known.keys() | bound),
        ("confirm", tool["in_confirm"], known.keys()),
    ):
        for name in names:
            if name not in possible:
                raise ValueError(f"{key}: there is no parameter “{name}”")
    if tool["behavior"] and tool["behavior"] not in rules.behaviors:
        raise ValueError(f"behavior: this model takes {' or '.join(rules.behaviors)}")


def _behavior(tool: dict[str, Any], rules: ModelRules) -> dict[str, Any]:
    """Return the tool's behavior; where a person has to confirm, the conversation goes on if the model can."""
    not_blocking = "NON_BLOCKING" if tool["confirm"] and "NON_BLOCKING" in rules.behaviors else None
    chosen = tool["behavior"] or not_blocking
    return {"behavior": chosen} if chosen else {}

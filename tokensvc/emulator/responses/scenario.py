"""Scenarios: scripted answers and faults from a TOML or JSON file."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.faults.fault import LONGEST, Fault, FaultError, read_fault
from tokensvc.emulator.protocol.close_reasons import Close, is_sendable
from tokensvc.emulator.responses.echo import EchoResponder, words
from tokensvc.emulator.responses.scripted import ScriptedResponder, ScriptedTurn
from tokensvc.emulator.responses.steps import (
    Call,
    CloseSocket,
    GoAway,
    Latency,
    Pause,
    Say,
    Search,
    Send,
    Step,
    Stop,
    Think,
    Work,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


# If a turn has several, they are carried out in this order.
ACTIONS = (
    *("latency", "pause", "think", "search", "send", "say", "call", "work", "stop", "go_away"),
    "close",
)
_TIMED: dict[str, Callable[[float], Step]] = {
    "latency": Latency,
    "pause": Pause,
    "work": Work,
    "go_away": GoAway,
}
_WORDED: dict[str, Callable[[str], Step]] = {"say": Say, "think": Think, "stop": Stop}
CALL_KEYS = frozenset({"args", "then", "twice"})
TURN_KEYS = frozenset({"when", "transcript", "steps"})


class ScenarioError(ValueError):
    """Raised for an invalid scenario; its text names the location."""


@dataclass(frozen=True)
class Scenario:
    """A scenario: the responder, and the faults."""

    responder: ScriptedResponder
    faults: tuple[Fault, ...]


def load_scenario(path: Path) -> Scenario:
    """Read a scenario from a ``.toml`` or ``.json`` file.

    Raises:
        ScenarioError: if it is invalid.
        OSError: if the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise ScenarioError(
            f"{path.name} is not valid {'JSON' if path.suffix == '.json' else 'TOML'}: {error}"
        ) from None
    return read_scenario(content)


def read_scenario(content: Any) -> Scenario:  # noqa: ANN401 - not validated yet
    """Read a scenario from parsed TOML or JSON.

    Raises:
        ScenarioError: if it is invalid.
    """
    root = _table(content, "scenario", {"turn", "fault"})
    for name, tables in root.items():
        if not isinstance(tables, list):
            raise ScenarioError(f"{name}: must be a list of tables, each written as [[{name}]].")
    turns = enumerate(root.get("turn", []), 1)
    faults = enumerate(root.get("fault", []), 1)
    return Scenario(
        ScriptedResponder(tuple(_turn(turn, f"turn {number}") for number, turn in turns), EchoResponder()),
        tuple(_fault(fault, f"fault {number}") for number, fault in faults),
    )


def _fault(content: Any, location: str) -> Fault:  # noqa: ANN401 - not validated yet
    try:
        return read_fault(content)
    except FaultError as error:
        raise ScenarioError(f"{location}: {error}") from None


def _turn(content: Any, location: str) -> ScriptedTurn:  # noqa: ANN401 - not validated yet
    turn = _table(content, location, {*TURN_KEYS, *ACTIONS, *CALL_KEYS})
    when = _text(turn.get("when", ""), f"{location}, when")
    if when and not words(when):
        raise ScenarioError(f"{location}, when: must contain at least one word.")
    inline = {key: value for key, value in turn.items() if key not in TURN_KEYS}
    if inline and "steps" in turn:
        raise ScenarioError(f"{location}: has both steps and {', '.join(inline)}; move them into steps.")
    steps: tuple[Step, ...] | None = None  # leaves the answer to the fallback
    if "steps" in turn:
        steps = _steps(turn["steps"], f"{location}, steps")
    elif inline:
        steps = tuple(_actions(inline, location))
    if any(isinstance(step, Latency) for step in (steps or ())[1:]):
        raise ScenarioError(f"{location}: latency must be the first step; use pause for a later one.")
    return ScriptedTurn(
        when=when,
        transcript=_text(turn.get("transcript", ""), f"{location}, transcript"),
        steps=steps,
    )


def _steps(content: Any, location: str) -> tuple[Step, ...]:  # noqa: ANN401 - not validated yet
    if not isinstance(content, list):
        raise ScenarioError(f'{location}: must be a list of tables such as {{ say = "…" }}.')
    return tuple(
        step
        for number, one in enumerate(content, 1)
        for step in _actions(_table(one, f"{location} {number}", {*ACTIONS, *CALL_KEYS}), f"{location} {number}")
    )


def _actions(content: dict[str, Any], location: str) -> Iterable[Step]:
    if "call" not in content and (stray := CALL_KEYS & content.keys()):
        raise ScenarioError(f"{location}: {', '.join(sorted(stray))} requires call, which is missing.")
    for name in ACTIONS:
        if name in content:
            yield _action(name, content, f"{location}, {name}")


def _action(name: str, content: dict[str, Any], location: str) -> Step:
    value = content[name]
    if name in _TIMED:
        return _TIMED[name](_seconds(value, location))
    if name in _WORDED:
        return _WORDED[name](_text(value, location))
    match name:
        case "search":
            return _search(value, location)
        case "send":
            return Send(_message(value, location))
        case "close":
            close = _table(value, location, {"code", "reason"})
            return CloseSocket(_close(close, location))
        case _:
            return _call(content, location)


def _search(value: Any, location: str) -> Search:  # noqa: ANN401 - not validated yet
    if isinstance(value, str):
        return Search(value)
    found = _table(value, location, {"query", "sources", "suggestions"})
    sources = found.get("sources", [])
    if not isinstance(sources, list):
        raise ScenarioError(f"{location}: sources must be a list of tables with title and url.")
    return Search(
        _text(found.get("query"), f"{location}, query"),
        tuple(
            (
                _text(source.get("title"), f"{location}, source {number}, title"),
                _text(source.get("url"), f"{location}, source {number}, url"),
            )
            for number, one in enumerate(sources, 1)
            # A list of one, which binds the validated table to a name.
            for source in [_table(one, f"{location}, source {number}", {"title", "url"})]
        ),
        _text(found.get("suggestions", ""), f"{location}, suggestions"),
    )


def _message(value: Any, location: str) -> dict[str, Any]:  # noqa: ANN401 - not validated yet
    if not isinstance(value, dict):
        raise ScenarioError(f"{location}: must be a table, the message to send.")
    return value


def _close(content: dict[str, Any], location: str) -> Close:
    code = content.get("code", 1011)
    if not isinstance(code, int) or not is_sendable(code):
        raise ScenarioError(f"{location}: code must be a WebSocket close code such as 1011.")
    return Close(code, _text(content.get("reason", ""), f"{location}, reason"))


def _call(content: dict[str, Any], location: str) -> Call:
    args = content.get("args", {})
    if not isinstance(args, dict):
        raise ScenarioError(f"{location}: args must be a table.")
    if not isinstance(content.get("twice", False), bool):
        raise ScenarioError(f"{location}: twice must be true or false.")
    then = content.get("then")
    steps: tuple[Step, ...] | None = None
    if isinstance(then, str):
        steps = (Say(then),)
    elif then is not None:
        steps = _steps(then, f"{location}, then")
    if any(isinstance(step, Latency | Work | Stop) for step in steps or ()):
        raise ScenarioError(f"{location}, then: latency, work and stop are for a turn's own steps; use pause.")
    return Call(_text(content["call"], location), args, steps, repeated=content.get("twice", False))


def _table(content: Any, location: str, known: set[str]) -> dict[str, Any]:  # noqa: ANN401 - not checked
    if not isinstance(content, dict):
        raise ScenarioError(f"{location}: must be a table.")
    for key in content:
        if key not in known:
            raise ScenarioError(f"{location}: unknown key {key!r}; the keys are {', '.join(sorted(known))}.")
    return content


def _text(value: Any, location: str) -> str:  # noqa: ANN401 - not validated yet
    if not isinstance(value, str):
        raise ScenarioError(f"{location}: must be a string.")
    return value


def _seconds(value: Any, location: str) -> float:  # noqa: ANN401 - not validated yet
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    if not 0 <= number < LONGEST:
        raise ScenarioError(f"{location}: must be a number of seconds, 0 or more.")
    return float(value)

"""Scenarios: answers written down beforehand, in a TOML or JSON file."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.faults import fault as faults
from tokensvc.emulator.protocol.errors import Close, closes_with
from tokensvc.emulator.responses.echo import HonestMind, asks_for, words
from tokensvc.emulator.responses.steps import (
    Call,
    GoAway,
    Latency,
    Mind,
    Pause,
    Result,
    Say,
    Search,
    Shut,
    Step,
    Think,
    Turn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.conversation.plan import Plan
    from tokensvc.emulator.faults.fault import Fault

# In the order in which a turn that has several of them takes them.
ACTIONS = ("latency", "pause", "think", "search", "say", "call", "go_away", "close")
BESIDE_CALL = frozenset({"args", "then", "twice"})
OF_A_TURN = frozenset({"when", "transcript", "steps"})


class ScenarioError(ValueError):
    """Raised for a scenario file that cannot be followed; its text names the place."""


@dataclass(frozen=True)
class ScriptedTurn:
    """A turn of the person that has its answer written down.

    Attributes:
        when: Words that must be typed for it; empty takes the turns in order.
        transcript: What a spoken turn is said to have said.
        steps: The answer; None leaves it to the honest mind.
    """

    when: str
    transcript: str
    steps: tuple[Step, ...] | None


@dataclass(frozen=True)
class Scenario:
    """A scenario file: who answers, and what goes wrong."""

    mind: ScriptedMind
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class ScriptedMind(Mind):
    """Follows a scenario, and is honest where it has none.

    A turn with `when` answers every typed turn that has its words. The others answer the first,
    second, … turn of the conversation, over a resume as well, where no `when` claims it.
    """

    turns: tuple[ScriptedTurn, ...]
    honest: HonestMind

    def transcript(self, turn: Turn) -> str:
        """What the scenario has the person say, else what was heard."""
        scripted = self._scripted(turn)
        if scripted is None or not scripted.transcript:
            return self.honest.transcript(turn)
        return scripted.transcript

    def answer(self, turn: Turn, conversation: Conversation, plan: Plan) -> tuple[Step, ...]:
        """What the scenario has the model do, else the honest answer."""
        scripted = self._scripted(turn)
        if scripted is None or scripted.steps is None:
            return self.honest.answer(turn, conversation, plan)
        return scripted.steps

    def conclude(self, call: Call, result: Result) -> tuple[Step, ...]:
        """The call's own `then`, with ``{result.field}`` filled in."""
        if call.then is None:
            return self.honest.conclude(call, result)
        return tuple(_filled(step, result.response) for step in call.then)

    def _scripted(self, turn: Turn) -> ScriptedTurn | None:
        for scripted in self.turns:
            if asks_for(scripted.when, turn.typed):
                return scripted
        in_order = [scripted for scripted in self.turns if not scripted.when]
        return in_order[turn.number - 1] if turn.number <= len(in_order) else None


def load(path: Path) -> Scenario:
    """Read a scenario from a ``.toml`` or ``.json`` file.

    Raises:
        ScenarioError: naming the fault and the turn it is in.
        OSError: when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise ScenarioError(
            f"{path.name} is no valid {path.suffix[1:] or 'TOML'}: {error}"
        ) from None
    return read(content)


def read(content: Any) -> Scenario:  # noqa: ANN401 - a file may hold anything
    """Read a scenario that has been parsed.

    Raises:
        ScenarioError: naming the fault and the turn it is in.
    """
    top = _table(content, "the scenario", {"turn", "fault"})
    for name, tables in top.items():
        if not isinstance(tables, list):
            raise ScenarioError(f"{name}: write each one as a [[{name}]] table.")
    turns = enumerate(top.get("turn", []), 1)
    going_wrong = enumerate(top.get("fault", []), 1)
    return Scenario(
        ScriptedMind(tuple(_turn(turn, f"turn {at}") for at, turn in turns), HonestMind()),
        tuple(_fault(fault, f"fault {at}") for at, fault in going_wrong),
    )


def _fault(content: Any, place: str) -> Fault:  # noqa: ANN401 - not checked yet
    try:
        return faults.read(content)
    except faults.FaultError as error:
        raise ScenarioError(f"{place}: {error}") from None


def _turn(content: Any, place: str) -> ScriptedTurn:  # noqa: ANN401 - not checked yet
    turn = _table(content, place, {*OF_A_TURN, *ACTIONS, *BESIDE_CALL})
    when = _text(turn.get("when", ""), f"{place}, when")
    if when and not words(when):
        raise ScenarioError(f"{place}, when: has no word in it.")
    inline = {key: value for key, value in turn.items() if key not in OF_A_TURN}
    if inline and "steps" in turn:
        raise ScenarioError(
            f"{place}: has both steps and {', '.join(inline)}; move them into steps."
        )
    steps: tuple[Step, ...] | None = None
    if "steps" in turn:
        steps = _steps(turn["steps"], f"{place}, steps")
    elif inline:
        steps = tuple(_actions(inline, place))
    if any(isinstance(step, Latency) for step in (steps or ())[1:]):
        raise ScenarioError(f"{place}: latency comes first; pause is for later.")
    return ScriptedTurn(
        when=when,
        transcript=_text(turn.get("transcript", ""), f"{place}, transcript"),
        steps=steps,
    )


def _steps(content: Any, place: str) -> tuple[Step, ...]:  # noqa: ANN401 - not checked yet
    if not isinstance(content, list):
        raise ScenarioError(f'{place}: must be a list of tables such as {{ say = "…" }}.')
    return tuple(
        step
        for number, one in enumerate(content, 1)
        for step in _actions(
            _table(one, f"{place} {number}", {*ACTIONS, *BESIDE_CALL}), f"{place} {number}"
        )
    )


def _actions(content: dict[str, Any], place: str) -> Iterable[Step]:
    if "call" not in content and (stray := BESIDE_CALL & content.keys()):
        raise ScenarioError(
            f"{place}: {', '.join(sorted(stray))} goes with call, which is missing."
        )
    for name in ACTIONS:
        if name in content:
            yield _action(name, content, f"{place}, {name}")


def _action(name: str, content: dict[str, Any], place: str) -> Step:  # noqa: PLR0911 - one each
    value = content[name]
    match name:
        case "say":
            return Say(_text(value, place))
        case "think":
            return Think(_text(value, place))
        case "search":
            return _search(value, place)
        case "latency":
            return Latency(_seconds(value, place))
        case "pause":
            return Pause(_seconds(value, place))
        case "go_away":
            return GoAway(_seconds(value, place))
        case "close":
            close = _table(value, place, {"code", "reason"})
            return Shut(_close(close, place))
        case _:
            return _call(content, place)


def _search(value: Any, place: str) -> Search:  # noqa: ANN401 - not checked yet
    if isinstance(value, str):
        return Search(value)
    found = _table(value, place, {"query", "sources"})
    sources = found.get("sources", [])
    if not isinstance(sources, list):
        raise ScenarioError(f"{place}: sources must be a list of tables with title and url.")
    return Search(
        _text(found.get("query"), f"{place}, query"),
        tuple(
            (
                _text(source.get("title"), f"{place}, source {number}, title"),
                _text(source.get("url"), f"{place}, source {number}, url"),
            )
            for number, one in enumerate(sources, 1)
            for source in [_table(one, f"{place}, source {number}", {"title", "url"})]
        ),
    )


def _close(content: dict[str, Any], place: str) -> Close:
    code = content.get("code", 1011)
    if not isinstance(code, int) or not closes_with(code):
        raise ScenarioError(f"{place}: code must be a WebSocket close code such as 1011.")
    return Close(code, _text(content.get("reason", ""), f"{place}, reason"))


def _call(content: dict[str, Any], place: str) -> Call:
    args = content.get("args", {})
    if not isinstance(args, dict):
        raise ScenarioError(f"{place}: args must be a table.")
    if not isinstance(content.get("twice", False), bool):
        raise ScenarioError(f"{place}: twice must be true or false.")
    then = content.get("then")
    steps: tuple[Step, ...] | None = None
    if isinstance(then, str):
        steps = (Say(then),)
    elif then is not None:
        steps = _steps(then, f"{place}, then")
    if any(isinstance(step, Latency) for step in steps or ()):
        raise ScenarioError(f"{place}, then: latency is for an answer's beginning; use pause.")
    return Call(_text(content["call"], place), args, steps, repeated=content.get("twice", False))


def _table(content: Any, place: str, known: set[str]) -> dict[str, Any]:  # noqa: ANN401 - as above
    if not isinstance(content, dict):
        raise ScenarioError(f"{place}: must be a table.")
    for key in content:
        if key not in known:
            raise ScenarioError(
                f"{place}: unknown key {key!r}; known are {', '.join(sorted(known))}."
            )
    return content


def _text(value: Any, place: str) -> str:  # noqa: ANN401 - not checked yet
    if not isinstance(value, str):
        raise ScenarioError(f"{place}: must be a string.")
    return value


def _seconds(value: Any, place: str) -> float:  # noqa: ANN401 - not checked yet
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    if not 0 <= number < faults.LONGEST:
        raise ScenarioError(f"{place}: must be a number of seconds, 0 or more.")
    return float(value)


def _filled(step: Step, response: Any) -> Step:  # noqa: ANN401 - any JSON
    if not isinstance(step, Say):
        return step

    def fill(found: re.Match[str]) -> str:
        value = response
        for key in filter(None, found[1].split(".")):
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return Say(re.sub(r"\{result((?:\.\w+)*)\}", fill, step.text))

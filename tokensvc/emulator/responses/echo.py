"""The default responder: it answers with what it received, and with nothing else.

There is no speech recognition, so a spoken turn is transcribed as its duration and played back. A
typed turn is answered by reciting the user's side of the context.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.responses.steps import (
    Call,
    Responder,
    Result,
    Say,
    Search,
    Step,
    Think,
    Turn,
)

if TYPE_CHECKING:
    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.conversation.plan import Plan, Tool

RECITED_ENTRIES = 12
ENTRY_CHARACTERS = 160
RESULT_CHARACTERS = 300


def speech_label(seconds: float) -> str:
    """Return the transcript of speech, which is not recognized."""
    return f"[{seconds:.1f} s of speech]"


class EchoResponder(Responder):
    """Plays back speech, recites typed text, and calls functions by name."""

    def transcript(self, turn: Turn) -> str:
        """Return the duration of what was spoken."""
        return speech_label(turn.spoken.seconds) if turn.spoken else ""

    def answer(self, turn: Turn, conversation: Conversation, plan: Plan) -> tuple[Step, ...]:
        """Play back speech; call the functions whose names were typed; otherwise recite.

        What stands in square brackets is a note of the application, which only informs.
        """
        steps: list[Step] = []
        if plan.thoughts:
            steps.append(Think(f"This is turn {turn.number}. I look at what I know."))
        if turn.spoken is not None and not turn.typed:
            label = f"{speech_label(turn.spoken.seconds)[:-1]}, played back]"  # in its bracket
            return (*steps, Say(label, turn.spoken.samples))
        typed = re.sub(r"\[[^\]]*\]", "", turn.typed)
        called = [tool for tool in plan.tools if mentions(typed, tool.name)]
        if called:
            return (*steps, *(Call(tool.name, arguments(tool, typed)) for tool in called))
        if ordered := re.search(r"with the single word (\w+)", plan.instruction):
            return (*steps, Say(f"{ordered[1]}."))
        if plan.search and "search" in words(turn.typed):
            steps.append(Search(turn.typed[:ENTRY_CHARACTERS]))
        return (*steps, Say(recite(conversation)))

    def conclude(self, call: Call, result: Result) -> tuple[Step, ...]:
        """Recite the result."""
        shown = json.dumps(result.response, ensure_ascii=False)
        return (Say(f"{call.name} answered {shown[:RESULT_CHARACTERS]}"),)


def recite(conversation: Conversation) -> str:
    """Describe the user's side of the context, the newest entries last."""
    known = [
        f'you typed "{entry.text[:ENTRY_CHARACTERS]}"' if entry.kind == "typed" else entry.text
        for entry in conversation.entries
        if entry.kind in {"typed", "spoken"}
    ]
    frames = sum(entry.kind == "shown" for entry in conversation.entries)
    shown = [f"{frames} video frames"] if frames else []
    earlier = len(known) - RECITED_ENTRIES
    before = [f"{earlier} earlier entries"] if earlier > 0 else []
    return "I know: " + "; ".join([*shown, *before, *known[-RECITED_ENTRIES:]] or ["nothing"]) + "."


def words(text: str) -> frozenset[str]:
    """Return the words of a sentence, or of a name such as ``turn_on_the_lights`` or ``turnOn``."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    return frozenset(re.findall(r"[^\W_]+", spaced.lower()))


def mentions(text: str, name: str) -> bool:
    """Return whether *text* contains all words of *name*, and *name* has at least one."""
    return bool(words(name)) and words(name) <= words(text)


def arguments(tool: Tool, typed: str) -> dict[str, Any]:
    """Fill the tool's required parameters from what was typed, by their types alone."""
    properties = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", [])
    return {name: _argument(properties.get(name, {}), typed) for name in required}


def _argument(schema: dict[str, Any], typed: str) -> Any:  # noqa: ANN401 - JSON of any type
    kind = str(schema.get("type", "STRING")).upper()
    choices = schema.get("enum", [])
    if choices:
        return next((choice for choice in choices if words(choice) <= words(typed)), choices[0])
    if kind in {"NUMBER", "INTEGER"}:
        found = re.search(r"-?\d+(\.\d+)?", typed)
        number = float(found[0]) if found else 0.0
        return int(number) if kind == "INTEGER" else number
    if kind == "BOOLEAN":
        return not words(typed) & {"no", "not", "off", "false"}
    if kind == "ARRAY":
        return [_argument(schema.get("items", {}), typed)]
    if kind == "OBJECT":
        inner = schema.get("properties", {})
        return {name: _argument(inner.get(name, {}), typed) for name in schema.get("required", [])}
    return typed

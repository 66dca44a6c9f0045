"""The honest mind: it answers with what it really has, and knows no question by heart.

There is no speech recognition here, so a spoken turn is transcribed as what it is and played
back; a typed turn is answered by reciting the person's side of the context.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.responses.steps import Call, Mind, Result, Say, Search, Step, Think, Turn

if TYPE_CHECKING:
    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.conversation.plan import Plan, Tool

RECITED = 12
REMARK_CHARACTERS = 160
RESULT_CHARACTERS = 300


def spoken_as(seconds: float) -> str:
    """The transcript of speech that nobody understood."""
    return f"[{seconds:.1f} s of speech]"


class HonestMind(Mind):
    """The default mind."""

    def transcript(self, turn: Turn) -> str:
        """What was heard, as what it is."""
        return spoken_as(turn.spoken.seconds) if turn.spoken else ""

    def answer(self, turn: Turn, conversation: Conversation, plan: Plan) -> tuple[Step, ...]:
        """Play back speech; call the tool whose name's words were typed; recite the rest."""
        steps: list[Step] = []
        if plan.thoughts:
            steps.append(Think(f"Turn {turn.number} came; I look at what I hold."))
        if turn.spoken is not None and not turn.typed:
            heard = f"{spoken_as(turn.spoken.seconds)[:-1]}, played back]"
            return (*steps, Say(heard, turn.spoken.sound))
        called = [tool for tool in plan.tools if asks_for(tool.name, turn.typed)]
        for tool in called:
            steps.append(Call(tool.name, arguments(tool, turn.typed)))
            if not tool.blocking:
                steps.append(Say(f"I have asked {tool.name} and will tell you."))
        if called:
            return tuple(steps)
        if plan.search and "search" in words(turn.typed):
            steps.append(Search(turn.typed[:REMARK_CHARACTERS]))
        return (*steps, Say(recital(conversation)))

    def conclude(self, call: Call, result: Result) -> tuple[Step, ...]:
        """Recite the result."""
        shown = json.dumps(result.response, ensure_ascii=False)
        return (Say(f"{call.name} answered {shown[:RESULT_CHARACTERS]}"),)


def recital(conversation: Conversation) -> str:
    """The person's side of the context, the newest remarks last."""
    held = [
        f'you typed "{remark.text[:REMARK_CHARACTERS]}"' if remark.kind == "typed" else remark.text
        for remark in conversation.remarks
        if remark.kind in {"typed", "spoken"}
    ]
    frames = sum(remark.kind == "shown" for remark in conversation.remarks)
    shown = [f"{frames} video frames"] if frames else []
    earlier = len(held) - RECITED
    before = [f"{earlier} earlier remarks"] if earlier > 0 else []
    return "I hold: " + "; ".join([*shown, *before, *held[-RECITED:]] or ["nothing"]) + "."


def words(text: str) -> frozenset[str]:
    """The words of a sentence, or of a name such as ``turn_on_the_lights`` or ``turnOn``."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    return frozenset(re.findall(r"[^\W_]+", apart.lower()))


def asks_for(name: str, typed: str) -> bool:
    """Whether all words of *name*, which has some, are in what was typed."""
    return bool(words(name)) and words(name) <= words(typed)


def arguments(tool: Tool, typed: str) -> dict[str, Any]:
    """Arguments for the tool's required parameters, from what was typed, by type alone."""
    properties = tool.parameters.get("properties", {})
    wanted = tool.parameters.get("required", [])
    return {name: _argument(properties.get(name, {}), typed) for name in wanted}


def _argument(schema: dict[str, Any], typed: str) -> Any:  # noqa: ANN401 - JSON of any type
    kind = str(schema.get("type", "STRING")).upper()
    choices = schema.get("enum", [])
    if choices:
        return next((one for one in choices if words(one) <= words(typed)), choices[0])
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

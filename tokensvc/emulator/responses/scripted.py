"""The responder that follows a scenario."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.responses.echo import mentions
from tokensvc.emulator.responses.steps import Call, Responder, Result, Say, Step, Turn

if TYPE_CHECKING:
    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.conversation.plan import Plan


@dataclass(frozen=True)
class ScriptedTurn:
    """A scripted turn.

    Attributes:
        when: Words that must be typed; empty for the turns that are used in order.
        transcript: The transcript of a spoken turn; empty leaves it to the fallback.
        steps: The answer; None leaves it to the fallback.
    """

    when: str
    transcript: str
    steps: tuple[Step, ...] | None


@dataclass(frozen=True)
class ScriptedResponder(Responder):
    """Answers as scripted, and leaves everything else to the fallback.

    A scripted turn with `when` answers every typed turn that contains its words. The others answer
    the first, second, … turn of the conversation, also after a resumption, unless a `when` matches.
    """

    turns: tuple[ScriptedTurn, ...]
    fallback: Responder

    def transcript(self, turn: Turn) -> str:
        """Return the scripted transcript, or the fallback's."""
        scripted = self._scripted(turn)
        if scripted is None or not scripted.transcript:
            return self.fallback.transcript(turn)
        return scripted.transcript

    def answer(self, turn: Turn, conversation: Conversation, plan: Plan) -> tuple[Step, ...]:
        """Return the scripted answer, or the fallback's."""
        scripted = self._scripted(turn)
        if scripted is None or scripted.steps is None:
            return self.fallback.answer(turn, conversation, plan)
        return scripted.steps

    def conclude(self, call: Call, result: Result) -> tuple[Step, ...]:
        """Return the call's `then`, with ``{result.field}`` filled in."""
        if call.then is None:
            return self.fallback.conclude(call, result)
        return tuple(_filled(step, result.response) for step in call.then)

    def _scripted(self, turn: Turn) -> ScriptedTurn | None:
        for scripted in self.turns:
            if mentions(turn.typed, scripted.when):  # never true for an empty when
                return scripted
        in_order = [scripted for scripted in self.turns if not scripted.when]
        return in_order[turn.number - 1] if turn.number <= len(in_order) else None


def _filled(step: Step, response: Any) -> Step:  # noqa: ANN401 - JSON of any type
    if not isinstance(step, Say):
        return step

    def fill(found: re.Match[str]) -> str:
        value = response
        for key in filter(None, found[1].split(".")):  # ".a" splits into "" and "a"
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return Say(re.sub(r"\{result((?:\.\w+)*)\}", fill, step.text))

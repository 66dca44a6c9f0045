"""Whose word it is: starts answers, holds `turnComplete`, and yields to an interruption."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.conversation.context import Remark, text_tokens, tokens_by_modality
from tokensvc.emulator.responses.steps import (
    Call,
    GoAway,
    Latency,
    Pause,
    Result,
    Say,
    Search,
    Shut,
    Step,
    Think,
    Turn,
)
from tokensvc.emulator.session.speech import Speaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.emulator.conversation.plan import Tool
    from tokensvc.emulator.session.context import Scene

WAITING = 100
SILENT, INTERRUPT = "SILENT", "INTERRUPT"


@dataclass
class Pending:
    """A call that no result has come for yet."""

    call: Call
    blocking: bool
    turn: int
    result: asyncio.Future[Result]


@dataclass(frozen=True)
class Job:
    """Something to do once the word is free."""

    turn: int
    steps: Callable[[], tuple[Step, ...]]


class Floor:
    """One session's turn-taking."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._speaker = Speaker(scene)
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[Job] = deque(maxlen=WAITING)
        self._pending: dict[str, Pending] = {}
        self._prompt: list[Remark] = []
        self._thoughts = 0
        self._making = False

    @property
    def generating(self) -> bool:
        """Whether an answer is being made or a function is out: nothing can be resumed now."""
        return self._making or bool(self._pending)

    async def answer(self, turn: Turn) -> None:
        """The person's turn is over: answer it, now or after what may not be interrupted."""
        scene = self._scene
        await self._enter(
            Job(turn.number, lambda: scene.mind.answer(turn, scene.conversation, scene.plan)),
            interrupting=scene.plan.interruptible,
        )

    async def person_begins(self) -> None:
        """The person begins to speak or sends content."""
        if self._scene.plan.interruptible:
            await self.interrupt()

    async def interrupt(self) -> None:
        """Stop the answer that is under way, if one is.

        Pending blocking calls are cancelled with it. The order is the documented one:
        `toolCallCancellation`, `interrupted`, `turnComplete`.
        """
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        self._making = False
        scene = self._scene
        scene.counters.interruptions += 1
        dropped = self._discard()
        if dropped:
            scene.counters.tool_cancellations += len(dropped)
            await scene.outlet.send(toolCallCancellation={"ids": dropped})
        tokens = self._speaker.end(interrupted=True)
        await scene.outlet.content(interrupted=True)
        await self._complete(tokens)

    def _discard(self) -> list[str]:
        """Forget the calls that block; their ids."""
        dropped = [call_id for call_id, pending in self._pending.items() if pending.blocking]
        for call_id in dropped:
            del self._pending[call_id]
        return dropped

    async def result(self, result: Result) -> bool:
        """Take a tool's *result*; False when no such call is out (late, cancelled, made up)."""
        pending = self._pending.get(result.call_id)
        if pending is None:
            return False
        scene = self._scene
        scene.counters.tool_answers += 1
        if not more_to_come(result):
            del self._pending[result.call_id]
        told = json.dumps(result.response, ensure_ascii=False)
        scene.conversation.add("answered", told, "TEXT", text_tokens(told))
        if pending.blocking:
            if not pending.result.done():
                pending.result.set_result(result)
        elif result.scheduling != SILENT:
            await self._enter(
                Job(pending.turn, lambda: self._conclusion(pending.call, result)),
                interrupting=result.scheduling == INTERRUPT,
            )
        return True

    async def stop(self) -> None:
        """The connection is over."""
        self._waiting.clear()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            self._speaker.end(interrupted=True)

    async def _enter(self, job: Job, *, interrupting: bool) -> None:
        if interrupting:
            await self.interrupt()
        self._waiting.append(job)
        self._next()

    def _next(self) -> None:
        if self._task is None and self._waiting:
            self._task = asyncio.create_task(self._perform(self._waiting.popleft()))
            self._task.add_done_callback(self._account_for)

    def _account_for(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._scene.fail(task.exception())

    async def _perform(self, job: Job) -> None:
        scene = self._scene
        self._making = True
        scene.counters.answers += 1
        self._prompt = list(scene.conversation.remarks)
        self._thoughts = 0
        self._speaker.begin(job.turn)
        steps = job.steps()
        first = steps[0] if steps else None
        usual = scene.options.latency
        await scene.clock.sleep(first.seconds if isinstance(first, Latency) else usual)
        await self._take(job.turn, steps)
        await scene.outlet.content(generationComplete=True)
        tokens = self._speaker.end(interrupted=False)
        self._making = False
        await self._hold()
        # From here on there is nothing left to interrupt.
        self._task = None
        await self._complete(tokens)
        self._next()

    async def _hold(self) -> None:
        """Let the client play what was sent."""
        await self._scene.clock.sleep_until(self._speaker.plays_until)

    async def _take(self, turn: int, steps: tuple[Step, ...]) -> None:
        scene = self._scene
        for step in steps:
            match step:
                case Say():
                    await self._speaker.say(step)
                case Call():
                    await self._call(turn, step)
                case Pause(seconds):
                    await scene.clock.sleep(seconds)
                case Think(text):
                    self._thoughts += text_tokens(text)
                    part = {"text": text, "thought": True}
                    await scene.outlet.content(modelTurn={"role": "model", "parts": [part]})
                case Search(query, sources):
                    await scene.outlet.content(groundingMetadata=grounding(query, sources))
                case GoAway(seconds):
                    scene.leave(seconds)
                case Shut(close):
                    scene.end(close)

    async def _call(self, turn: int, call: Call) -> None:
        scene = self._scene
        tool = next((tool for tool in scene.plan.tools if tool.name == call.name), None)
        blocking = is_blocking(tool)
        call_id = f"function-call-{secrets.randbits(63)}"
        pending = Pending(call, blocking, turn, asyncio.get_running_loop().create_future())
        self._pending[call_id] = pending
        scene.counters.tool_calls += 1
        told = f"{call.name}({json.dumps(call.args, ensure_ascii=False)})"
        scene.conversation.add("called", told, "TEXT", text_tokens(told))
        wire = {"id": call_id, "name": call.name, "args": call.args}
        await scene.outlet.send(toolCall={"functionCalls": [wire]})
        if call.repeated:
            await self._repeat(wire)
        if blocking:
            await self._take(turn, self._conclusion(call, await pending.result))

    async def _repeat(self, wire: dict[str, Any]) -> None:
        """Send a call once more, as a part of the model's turn."""
        parts = [{"functionCall": wire}]
        await self._scene.outlet.content(modelTurn={"role": "model", "parts": parts})

    def _conclusion(self, call: Call, result: Result) -> tuple[Step, ...]:
        return self._scene.mind.conclude(call, result)

    def _status(self) -> dict[str, str]:
        if not self._scene.plan.model.status:
            return {}
        return {"interactionStatus": "IN_PROGRESS" if self._pending else "IDLE"}

    async def _complete(self, answer_tokens: int) -> None:
        scene = self._scene
        instruction = scene.conversation.instruction_tokens
        await scene.outlet.send(
            serverContent={"turnComplete": True, **self._status()},
            usageMetadata=usage(self._prompt, instruction, answer_tokens, self._thoughts),
        )


def is_blocking(tool: Tool | None) -> bool:
    """Whether a call waits for its result; one of no declared function does."""
    return tool is None or tool.blocking


def more_to_come(result: Result) -> bool:
    """Whether the call stays open after *result*."""
    return result.more


def usage(prompt: list[Remark], instruction: int, answer: int, thoughts: int) -> dict[str, Any]:
    """A turn's cost: the whole context again, the answer, and what was thought for it."""
    by_modality = tokens_by_modality(prompt, instruction)
    asked = sum(by_modality.values())
    return {
        "promptTokenCount": asked,
        "responseTokenCount": answer,
        **({"thoughtsTokenCount": thoughts} if thoughts else {}),
        "totalTokenCount": asked + answer + thoughts,
        "promptTokensDetails": [
            {"modality": modality, "tokenCount": tokens} for modality, tokens in by_modality.items()
        ],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": answer}],
    }


def grounding(query: str, sources: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """Search results in the shape of real ones; without *sources*, made up for *query*."""
    found = sources or (("example.com", "https://example.com/"),)
    return {
        "webSearchQueries": [query],
        "searchEntryPoint": {"renderedContent": "<div>A search suggestion would be here.</div>"},
        "groundingChunks": [{"web": {"uri": url, "title": title}} for title, url in found],
    }

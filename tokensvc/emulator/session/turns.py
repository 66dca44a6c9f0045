"""Turn-taking: starts answers, holds back `turnComplete`, and stops when interrupted."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.conversation.context import ContextEntry, text_tokens, tokens_by_modality
from tokensvc.emulator.responses.steps import (
    Call,
    CloseSocket,
    GoAway,
    Latency,
    Pause,
    Result,
    Say,
    Search,
    Step,
    Think,
    Turn,
)
from tokensvc.emulator.session.speech import Speaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.emulator.session.context import SessionContext

LONGEST_QUEUE = 100  # answers; a full queue drops the oldest
SILENT, INTERRUPT = "SILENT", "INTERRUPT"


@dataclass
class PendingCall:
    """A function call that has no result yet."""

    call: Call
    blocking: bool
    turn: int
    result: asyncio.Future[Result]


@dataclass(frozen=True)
class Answer:
    """An answer in the queue; its steps are decided when it is started."""

    turn: int
    steps: Callable[[], tuple[Step, ...]]


class TurnTaking:
    """One session's turn-taking: at most one answer is in progress, the others are queued."""

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._speaker = Speaker(context)
        self._task: asyncio.Task[None] | None = None
        self._queue: deque[Answer] = deque(maxlen=LONGEST_QUEUE)
        self._pending: dict[str, PendingCall] = context.conversation.pending_calls
        self._prompt: list[ContextEntry] = []  # the context when the current answer began
        self._thought_tokens = 0
        self._answering = False  # true until generationComplete, not until turnComplete

    @property
    def generating(self) -> bool:
        """Whether an answer or a function call is in progress, which rules out a resumption."""
        return self._answering or bool(self._pending)

    @property
    def answering(self) -> bool:
        """Whether an answer is in progress, or was when the connection ended."""
        return self._answering

    async def answer(self, turn: Turn) -> None:
        """Answer a finished user turn: now, or after an answer that may not be interrupted."""
        context = self._context

        def decide() -> tuple[Step, ...]:
            return context.responder.answer(turn, context.conversation, context.plan)

        await self._enqueue(Answer(turn.number, decide), interrupting=context.plan.interruptible)

    async def user_started(self) -> None:
        """Handle the start of user activity, which interrupts unless the setup rules that out."""
        if self._context.plan.interruptible:
            await self.interrupt()

    async def interrupt(self) -> None:
        """Stop the answer in progress, if there is one, and cancel its blocking calls.

        The messages are sent in the documented order: `toolCallCancellation`, `interrupted`,
        `turnComplete`.
        """
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        self._answering = False
        context = self._context
        context.counters.interruptions += 1
        cancelled = self._cancel_blocking_calls()
        if cancelled:
            context.counters.tool_cancellations += len(cancelled)
            await context.sender.send(toolCallCancellation={"ids": cancelled})
        tokens = self._speaker.end(interrupted=True)
        await context.sender.send_content(interrupted=True)
        await self._send_turn_complete(tokens)

    def _cancel_blocking_calls(self) -> list[str]:
        """Drop the pending calls that block, and return their ids."""
        cancelled = [call_id for call_id, pending in self._pending.items() if pending.blocking]
        for call_id in cancelled:
            del self._pending[call_id]
        return cancelled

    async def result(self, result: Result) -> bool:
        """Handle a function's result; return False if no such call is pending."""
        pending = self._pending.get(result.call_id)
        if pending is None:
            return False
        context = self._context
        context.counters.tool_answers += 1
        if not result.more:
            del self._pending[result.call_id]
        text = json.dumps(result.response, ensure_ascii=False)
        context.conversation.add("answered", text, "TEXT", text_tokens(text))
        if pending.blocking:
            if not pending.result.done():  # only the first result is used
                pending.result.set_result(result)
        elif result.scheduling != SILENT:
            await self._enqueue(
                Answer(pending.turn, lambda: self._conclusion(pending.call, result)),
                interrupting=result.scheduling == INTERRUPT,
            )
        return True

    async def stop(self) -> None:
        """Stop everything: the connection is over."""
        self._queue.clear()
        for pending in self._pending.values():
            pending.blocking = False  # on the next connection no turn waits for its result
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            self._speaker.end(interrupted=True)

    async def _enqueue(self, answer: Answer, *, interrupting: bool) -> None:
        if interrupting:
            await self.interrupt()
        self._queue.append(answer)
        self._start_next()

    def _start_next(self) -> None:
        if self._task is None and self._queue:
            self._task = asyncio.create_task(self._run(self._queue.popleft()))
            self._task.add_done_callback(self._report_failure)

    def _report_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._context.fail(task.exception())

    async def _run(self, answer: Answer) -> None:
        context = self._context
        self._answering = True
        context.counters.answers += 1
        self._prompt = list(context.conversation.entries)
        self._thought_tokens = 0
        self._speaker.begin(answer.turn)
        steps = answer.steps()
        first = steps[0] if steps else None
        latency = first.seconds if isinstance(first, Latency) else context.options.latency
        await context.clock.sleep(latency)
        await self._run_steps(answer.turn, steps)
        await context.sender.send_content(generationComplete=True)
        tokens = self._speaker.end(interrupted=False)
        self._answering = False
        # turnComplete is held back until the client has played everything.
        await context.clock.sleep_until(self._speaker.plays_until)
        # From here on the answer can no longer be interrupted.
        self._task = None
        await self._send_turn_complete(tokens)
        self._start_next()

    async def _run_steps(self, turn: int, steps: tuple[Step, ...]) -> None:
        context = self._context
        for step in steps:
            match step:
                case Say():
                    await self._speaker.say(step)
                case Call():
                    await self._call(turn, step)
                case Pause(seconds):
                    await context.clock.sleep(seconds)
                case Think(text):
                    self._thought_tokens += text_tokens(text)
                    part = {"text": text, "thought": True}
                    await context.sender.send_content(modelTurn={"role": "model", "parts": [part]})
                case Search(query, sources):
                    metadata = grounding(query, sources)
                    await context.sender.send_content(groundingMetadata=metadata)
                case GoAway(seconds):
                    context.go_away(seconds)
                case CloseSocket(close):
                    context.end(close)

    async def _call(self, turn: int, call: Call) -> None:
        context = self._context
        tool = next((tool for tool in context.plan.tools if tool.name == call.name), None)
        # A scenario may call a function that is not declared: the turn waits for its result too.
        blocking = tool is None or tool.blocking
        call_id = f"function-call-{secrets.randbits(63)}"
        pending = PendingCall(call, blocking, turn, asyncio.get_running_loop().create_future())
        self._pending[call_id] = pending
        context.counters.tool_calls += 1
        text = f"{call.name}({json.dumps(call.args, ensure_ascii=False)})"
        context.conversation.add("called", text, "TEXT", text_tokens(text))
        message = {"id": call_id, "name": call.name, "args": call.args}
        await context.sender.send(toolCall={"functionCalls": [message]})
        if call.repeated:
            part = {"functionCall": message}
            await context.sender.send_content(modelTurn={"role": "model", "parts": [part]})
        if blocking:
            await self._run_steps(turn, self._conclusion(call, await pending.result))

    def _conclusion(self, call: Call, result: Result) -> tuple[Step, ...]:
        return self._context.responder.conclude(call, result)

    async def _send_turn_complete(self, answer_tokens: int) -> None:
        context = self._context
        instruction = context.conversation.instruction_tokens
        content: dict[str, Any] = {"turnComplete": True}
        if context.plan.model.status:
            content["interactionStatus"] = "IN_PROGRESS" if self._pending else "IDLE"
        await context.sender.send(
            serverContent=content,
            usageMetadata=usage(self._prompt, instruction, answer_tokens, self._thought_tokens),
        )


def usage(
    prompt: list[ContextEntry], instruction: int, answer: int, thoughts: int
) -> dict[str, Any]:
    """Return a turn's token usage; every turn counts the whole context again."""
    by_modality = tokens_by_modality(prompt, instruction)
    prompt_tokens = sum(by_modality.values())
    return {
        "promptTokenCount": prompt_tokens,
        "responseTokenCount": answer,
        **({"thoughtsTokenCount": thoughts} if thoughts else {}),
        "totalTokenCount": prompt_tokens + answer + thoughts,
        "promptTokensDetails": [
            {"modality": modality, "tokenCount": tokens} for modality, tokens in by_modality.items()
        ],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": answer}],
    }


def grounding(query: str, sources: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """Return grounding metadata for *query*; without *sources*, for a made-up one."""
    found = sources or (("example.com", "https://example.com/"),)
    return {
        "webSearchQueries": [query],
        "searchEntryPoint": {"renderedContent": "<div>A search suggestion would be here.</div>"},
        "groundingChunks": [{"web": {"uri": url, "title": title}} for title, url in found],
    }

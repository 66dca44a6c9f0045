"""Turn-taking: starts answers, holds back `turnComplete`, and stops when interrupted."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from itertools import chain, groupby, starmap
from typing import TYPE_CHECKING, Any, cast

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
    Send,
    Step,
    Stop,
    Think,
    Turn,
    Work,
)
from tokensvc.emulator.session.fields import grounding, new_call_id, usage
from tokensvc.emulator.session.speech import Speaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.emulator.session.context import SessionContext

LONGEST_QUEUE = 100  # answers; a full queue drops the oldest
SILENT, INTERRUPT = "SILENT", "INTERRUPT"


@dataclass
class PendingCall:
    """A function call that has no result yet."""

    id: str
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
        self._call_tokens = self._thought_tokens = 0
        self._held: list[tuple[Call, Result]] = []  # results that came while the person spoke
        self._works: set[asyncio.Task[None]] = set()  # answers that continue after their turn
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

        held, self._held = self._held, []

        def decide() -> tuple[Step, ...]:
            steps = context.responder.answer(turn, context.conversation, context.plan)
            return (*steps, *chain.from_iterable(starmap(self._conclusion, held)))

        await self._enqueue(Answer(turn.number, decide), interrupting=context.plan.interruptible)

    async def user_started(self) -> None:
        """Handle the start of user activity, which interrupts unless the setup rules that out."""
        if self._context.plan.interruptible:
            await self.interrupt()

    async def interrupt(self) -> None:
        """Stop the answer in progress, if there is one, and drop its blocking calls.

        The messages are sent in the documented order: `toolCallCancellation` where the model sends
        it, `interrupted`, `turnComplete`.
        """
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        self._answering = False
        context = self._context
        context.counters.interruptions += 1
        cancelled = self._drop_blocking_calls()
        if cancelled and context.plan.cancellations == "sent":
            context.counters.tool_cancellations += len(cancelled)
            await context.sender.send(toolCallCancellation={"ids": cancelled})
        tokens = self._speaker.end(interrupted=True)
        await context.sender.send_content(interrupted=True)
        await self._send_turn_complete(tokens)

    def _drop_blocking_calls(self) -> list[str]:
        """Drop the pending calls that block, and return their ids."""
        dropped = [call_id for call_id, pending in self._pending.items() if pending.blocking]
        for call_id in dropped:
            del self._pending[call_id]
        return dropped

    async def result(self, result: Result, *, speaking: bool = False) -> bool:
        """Handle a function's result; return False if no such call is pending.

        While the person is *speaking*, a result that waits for silence is kept for the answer to
        what they say.
        """
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
        elif speaking and result.scheduling not in {SILENT, INTERRUPT}:
            self._held.append((pending.call, result))
        elif result.scheduling != SILENT:
            await self._enqueue(
                Answer(pending.turn, lambda: self._conclusion(pending.call, result)),
                interrupting=result.scheduling == INTERRUPT,
            )
        return True

    async def stop(self) -> None:
        """Stop everything: the connection is over."""
        self._queue.clear()
        for work in self._works:
            work.cancel()
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
        self._call_tokens = 0
        # By the turn, so that a conversation costs the same each time.
        self._thought_tokens = 72 + 37 * answer.turn % 87 if context.plan.model.thinks else 0
        self._speaker.begin(answer.turn)
        steps = answer.steps()
        first = steps[0] if steps else None
        latency = first.seconds if isinstance(first, Latency) else context.options.latency
        await context.clock.sleep(latency)
        steps, end, rest = _split(steps)
        await self._run_steps(answer.turn, steps)
        if isinstance(end, Work):
            self._continue(Answer(answer.turn, lambda: (Latency(0), *rest)), end.seconds)
        await context.sender.send_content(generationComplete=True)
        tokens = self._speaker.end(interrupted=False)
        self._answering = False
        # turnComplete is held back until the client has played everything.
        await context.clock.sleep_until(self._speaker.plays_until)
        # From here on the answer can no longer be interrupted.
        self._task = None
        await self._send_turn_complete(tokens, end.reason if isinstance(end, Stop) else None)
        self._start_next()

    def _continue(self, answer: Answer, seconds: float) -> None:
        """Start *answer* after some seconds, whatever is said meanwhile."""

        async def work() -> None:
            await self._context.clock.sleep(seconds)
            self._works.discard(task)
            await self._enqueue(answer, interrupting=False)

        task = asyncio.create_task(work())
        self._works.add(task)
        task.add_done_callback(self._report_failure)

    async def _run_steps(self, turn: int, steps: tuple[Step, ...]) -> None:
        for is_call, group in groupby(steps, lambda step: isinstance(step, Call)):
            if is_call and self._context.plan.model.joins_calls:
                await self._call(turn, cast("list[Call]", list(group)))
                continue
            for step in group:
                await self._run_step(turn, step)

    async def _run_step(self, turn: int, step: Step) -> None:
        context = self._context
        match step:
            case Say():
                await self._speaker.say(step)
            case Call():
                await self._call(turn, [step])
            case Pause(seconds):
                await context.clock.sleep(seconds)
            case Think(text):
                self._thought_tokens += text_tokens(text)
                await self._send_part({"text": text, "thought": True})
            case Search():
                metadata = grounding(step)
                await context.sender.send_content(groundingMetadata=metadata)
            case Send(message):
                await context.sender.send(**message)
            case GoAway(seconds):
                context.go_away(seconds)
            case CloseSocket(close):
                context.end(close)

    async def _send_part(self, part: dict[str, Any]) -> None:
        model_turn = self._context.plan.model.model_turn(part)
        await self._context.sender.send_content(modelTurn=model_turn)

    async def _call(self, turn: int, calls: list[Call]) -> None:
        """Make *calls* in one message; if any of them block, wait for the results of those."""
        issued = [self._issue(turn, call) for call in calls]
        messages = [{"id": each.id, "name": each.call.name, "args": each.call.args} for each in issued]
        await self._context.sender.send(toolCall={"functionCalls": messages})
        for call, message in zip(calls, messages, strict=True):
            if call.repeated:
                await self._send_part({"functionCall": message})
        blocking = [each for each in issued if each.blocking]
        results = [await each.result for each in blocking]
        for each, result in zip(blocking, results, strict=True):
            await self._run_steps(turn, self._conclusion(each.call, result))

    def _issue(self, turn: int, call: Call) -> PendingCall:
        """Register a call, and add it to the context."""
        context = self._context
        tool = next((tool for tool in context.plan.tools if tool.name == call.name), None)
        # A scenario may call a function that is not declared: the turn waits for its result too.
        blocking = tool is None or tool.blocking
        call_id = new_call_id(blocking=blocking, short=context.plan.model.short_call_ids)
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        pending = PendingCall(call_id, call, blocking, turn, result)
        self._pending[call_id] = pending
        context.counters.tool_calls += 1
        text = f"{call.name}({json.dumps(call.args, ensure_ascii=False)})"
        self._call_tokens += text_tokens(text)
        context.conversation.add("called", text, "TEXT", text_tokens(text))
        return pending

    def _conclusion(self, call: Call, result: Result) -> tuple[Step, ...]:
        return self._context.responder.conclude(call, result)

    async def _send_turn_complete(self, audio: int, reason: str | None = None) -> None:
        """Send `turnComplete` with the usage of an answer that has *audio* tokens of sound.

        *reason* says why the answer was stopped, if it was.
        """
        context = self._context
        details = tokens_by_modality(self._prompt, context.conversation.instruction_tokens)
        prompt = sum(details.values()) + context.plan.model.overhead
        content: dict[str, Any] = {"turnComplete": True}
        if context.plan.model.status:
            working = self._pending or self._works
            content["interactionStatus"] = "IN_PROGRESS" if working else "IDLE"
        if reason is not None:
            content["turnCompleteReason"] = reason
        await context.sender.send(
            serverContent=content,
            usageMetadata=usage(prompt, details, audio, self._call_tokens, self._thought_tokens),
        )


def _split(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], Step | None, tuple[Step, ...]]:
    """Return the steps of this turn, what ends it early, and the steps after that."""
    for index, step in enumerate(steps):
        if isinstance(step, Work | Stop):
            return steps[:index], step, steps[index + 1 :]
    return steps, None, ()

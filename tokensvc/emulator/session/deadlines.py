"""Deadlines: everything that happens on a connection because time passes."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from tokensvc.emulator.protocol.close_reasons import CloseReasons

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.emulator.session.context import SessionContext
    from tokensvc.emulator.session.session import Session


class Deadlines:
    """Sends resumption updates and `goAway`, and closes the connection when its time is up.

    Args:
        token_expires: When the session's token expires; infinite for a session with an API key.
        first_update: Seconds until the first resumption update.
        create_handle: Creates a resumption handle for the current state.
    """

    def __init__(
        self,
        context: SessionContext,
        session: Session,
        *,
        token_expires: float,
        first_update: float,
        create_handle: Callable[[], str],
    ) -> None:
        self._context = context
        self._session = session
        self._token_expires = token_expires
        self._create_handle = create_handle
        now = context.clock.now()
        self._connection_end = now + context.options.connection_life
        self._next_update = now + first_update
        self._announced = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Confirm the setup and start to watch the time."""
        await self._context.sender.send(setupComplete={})
        self._start_task()

    async def stop(self) -> None:
        """Stop watching: the connection is over."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def go_away(self, seconds: float) -> None:
        """Announce immediately that the connection ends in *seconds*, and end it then."""
        self._connection_end = self._context.clock.now() + seconds
        self._announced = False
        if self._task is not None:
            self._task.cancel()
        self._start_task(announce_now=True)

    def _start_task(self, *, announce_now: bool = False) -> None:
        self._task = asyncio.create_task(self._watch(announce_now=announce_now))
        self._task.add_done_callback(self._report_failure)

    def _report_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._context.fail(task.exception())

    async def _watch(self, *, announce_now: bool) -> None:
        context = self._context
        while (now := context.clock.now()) < self._token_expires:
            end = self._end()
            idle_end = context.last_frame() + context.options.idle_timeout
            if now >= min(end, idle_end):
                context.end(CloseReasons.session_over if now >= end else CloseReasons.internal)
                return
            warning = end - context.options.go_away_lead
            if not self._announced and (announce_now or now >= warning):
                await self._announce(end - now)
            if now >= self._next_update:
                await self._send_update()
            next_warning = inf if self._announced else warning
            await context.clock.sleep_until(min(self._token_expires, end, idle_end, next_warning, self._next_update))
        context.end(CloseReasons.expired_mid_session)

    def _end(self) -> float:
        """Return when the connection must close, because of its own age or the conversation's."""
        context = self._context
        if context.plan.compress is not None:  # lifts the conversation's limit
            return self._connection_end
        conversation, options = context.conversation, context.options
        length = options.video_session if conversation.video else options.audio_session
        return min(self._connection_end, conversation.began + length)

    async def _announce(self, left: float) -> None:
        self._announced = True
        self._context.counters.go_aways += 1
        await self._context.sender.send(goAway={"timeLeft": f"{max(left, 0):.3g}s"})
        if self._context.options.silent_after_go_away:
            self._context.sender.silent = True

    async def _send_update(self) -> None:
        """Send a sessionResumptionUpdate, if the client or the model asks for them."""
        context = self._context
        self._next_update = context.clock.now() + context.options.update_interval
        enabled = context.plan.resumable or context.plan.updates != "requested"
        # With a client that does not read, waiting here would delay every deadline.
        if not enabled or context.sender.waiting:
            return
        once = context.plan.updates == "once"
        if once:
            self._next_update = inf
        # A handle sent once stands for the session at its end: an answer does not matter.
        if self._session.generating and not once:
            await context.sender.send(sessionResumptionUpdate={"resumable": False})
        else:
            update = {"newHandle": self._create_handle(), "resumable": True}
            await context.sender.send(sessionResumptionUpdate=update)
        context.counters.resumption_updates += 1

"""Timekeeping: what happens on a connection because time passes."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from tokensvc.emulator.protocol.errors import Closes

if TYPE_CHECKING:
    from tokensvc.emulator.conversation.handles import HandleBook
    from tokensvc.emulator.server.connections import Connection
    from tokensvc.emulator.session.context import Scene
    from tokensvc.emulator.session.session import Session


class Timekeeper:
    """Resumption updates, `goAway`, and every deadline that cuts a connection."""

    def __init__(
        self, scene: Scene, session: Session, connection: Connection, handles: HandleBook
    ) -> None:
        self._scene = scene
        self._session = session
        self._connection = connection
        self._handles = handles
        now = scene.clock.now()
        self._cut = now + scene.options.connection_life
        self._next_update = now
        self._announced = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Answer the setup and begin to count."""
        await self._scene.outlet.send(setupComplete={})
        self._keep_on()

    async def stop(self) -> None:
        """The connection is over."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def leave(self, seconds: float) -> None:
        """Announce the end in *seconds* at once, and keep to it."""
        self._cut = self._scene.clock.now() + seconds
        self._announced = False
        if self._task is not None:
            self._task.cancel()
        self._keep_on(announcing=True)

    def _keep_on(self, *, announcing: bool = False) -> None:
        self._task = asyncio.create_task(self._keep(announcing=announcing))
        self._task.add_done_callback(self._account_for)

    def _account_for(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._scene.fail(task.exception())

    async def _keep(self, *, announcing: bool) -> None:
        scene = self._scene
        token = self._connection.admission.token if self._connection.admission else None
        token_end = token.expires if token else inf
        while (now := scene.clock.now()) < token_end:
            cut = self._end()
            if now >= cut:
                scene.end(Closes.deadline)
                return
            warning = cut - scene.options.go_away_lead
            if not self._announced and (announcing or now >= warning):
                await self._announce(cut - now)
            if now >= self._next_update:
                await self._update()
                self._next_update = now + scene.options.update_interval
            next_warning = inf if self._announced else warning
            await scene.clock.sleep_until(min(token_end, cut, next_warning, self._next_update))
        scene.end(Closes.expired_mid_session)

    def _end(self) -> float:
        """When this connection is cut: by its own age, or by the conversation's."""
        scene = self._scene
        if scene.plan.compress is not None:
            return self._cut
        conversation, options = scene.conversation, scene.options
        length = options.video_session if conversation.video else options.audio_session
        return min(self._cut, conversation.began + length)

    async def _announce(self, left: float) -> None:
        self._announced = True
        self._connection.go_aways += 1
        await self._scene.outlet.send(goAway={"timeLeft": f"{max(left, 0):.3g}s"})
        if self._scene.options.silent_after_go_away:
            self._hush()

    def _hush(self) -> None:
        self._scene.outlet.silent = True

    def _wanted(self) -> bool:
        return self._scene.plan.resumable or self._scene.options.updates == "always"

    async def _update(self) -> None:
        scene = self._scene
        # To a client that reads nothing, waiting here would put off every deadline.
        if not self._wanted() or scene.outlet.waiting:
            return
        if self._session.generating:
            await scene.outlet.send(sessionResumptionUpdate={"resumable": False})
        else:
            handle = self._handles.handle(self._connection.number, self._connection.heard.size)
            update = {"newHandle": handle, "resumable": True}
            await scene.outlet.send(sessionResumptionUpdate=update)
        self._connection.updates += 1

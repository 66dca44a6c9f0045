"""Clients with persistent connections, many in parallel, each sending one request after another."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from programs import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CLIENTS = 64
_TIMEOUT = 60  # seconds for one answer, on a busy machine


@dataclass(frozen=True)
class Reply(Answer):
    """An answer to a request of *sender*."""

    sender: str


def post(bearer: str | None = None, body: object = None, path: str = "/token", headers: Sequence[str] = ()) -> bytes:
    """Return a POST as bytes."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(content)}", *headers]
    if bearer is not None:
        lines.append(f"Authorization: Bearer {bearer}")
    if content:
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + content


class Connection:
    """The connection of one client, opened when needed and kept as long as the server allows.

    It comes from the address *source*, if that is given.
    """

    def __init__(self, url: str, source: str | None = None) -> None:
        parts = urlsplit(url)
        self._address, self._source = (parts.hostname, parts.port), source and (source, 0)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, sender: str, request: bytes) -> Reply:
        """Send *request* and read its answer; never retry.

        Raises:
            OSError, EOFError: If the server closes the connection instead.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address, local_addr=self._source)
        reader, writer = self._streams
        try:
            writer.write(request)
            reply = await asyncio.wait_for(self._read(sender, reader), _TIMEOUT)
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
    async def _read(sender: str, reader: asyncio.StreamReader) -> Reply:
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        named = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in named}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(int(status.split()[1]), headers, content, sender)


def send_all(
    url: str, requests: Iterable[tuple[str, bytes]], *, clients: int = CLIENTS, source: str | None = None
) -> list[Reply]:
    """Send each of *requests* (sender, bytes) with the next free client; all from *source*, if that is given."""
    return asyncio.run(_send_all(url, iter(requests), clients, source))


async def _send_all(url: str, requests: Iterator[tuple[str, bytes]], clients: int, source: str | None) -> list[Reply]:
    replies: list[Reply] = []

    async def client() -> None:
        connection = Connection(url, source)
        for sender, request in requests:  # one iterator for all clients
            replies.append(await connection.send(sender, request))
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return replies

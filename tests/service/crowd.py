"""Many requests in flight at once: all are sent before the first answer is read."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Answered:
    """Status and body of an answer; *by* is who asked."""

    by: str
    status: int
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def token_request(bearer: str) -> bytes:
    """POST /token in bytes."""
    return (
        "POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {bearer}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def all_at_once(
    url: str, asked: Sequence[tuple[str, bytes]], *, when_sent: Callable[[], None] = lambda: None
) -> list[Answered]:
    """Send every one of *asked* (who, request), call *when_sent*, then read all the answers."""
    return asyncio.run(_all_at_once(url, asked, when_sent))


async def _all_at_once(
    url: str, asked: Sequence[tuple[str, bytes]], when_sent: Callable[[], None]
) -> list[Answered]:
    parts = urlsplit(url)

    async def send(who: str, request: bytes) -> tuple[str, asyncio.StreamReader, Any]:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request)
        await writer.drain()
        return who, reader, writer

    sent = await asyncio.gather(*(send(who, request) for who, request in asked))
    when_sent()
    return await asyncio.gather(*(_read(*one) for one in sent))


async def _read(who: str, reader: asyncio.StreamReader, writer: Any) -> Answered:
    try:
        content = await asyncio.wait_for(reader.read(), timeout=60)
    finally:
        writer.close()
    head, _, body = content.partition(b"\r\n\r\n")
    return Answered(who, int(head.split(b" ", 2)[1]), body)

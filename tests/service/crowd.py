"""Sends many requests at once: all are sent before the first answer is read."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Reply:
    """Status and body of an answer; *sender* is the sender of the request."""

    sender: str
    status: int
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def token_request(bearer: str) -> bytes:
    """Return a POST /token as bytes."""
    return (
        "POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {bearer}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def all_at_once(
    url: str, requests: Sequence[tuple[str, bytes]], *, when_sent: Callable[[], None] = lambda: None
) -> list[Reply]:
    """Send all of *requests* (sender, bytes), call *when_sent*, then read the answers."""
    return asyncio.run(_all_at_once(url, requests, when_sent))


async def _all_at_once(
    url: str, requests: Sequence[tuple[str, bytes]], when_sent: Callable[[], None]
) -> list[Reply]:
    parts = urlsplit(url)

    async def send(sender: str, request: bytes) -> tuple[str, asyncio.StreamReader, Any]:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request)
        await writer.drain()
        return sender, reader, writer

    sent = await asyncio.gather(*(send(sender, request) for sender, request in requests))
    when_sent()
    return await asyncio.gather(*(_read(*one) for one in sent))


async def _read(sender: str, reader: asyncio.StreamReader, writer: Any) -> Reply:
    try:
        content = await asyncio.wait_for(reader.read(), timeout=60)
    finally:
        writer.close()
    head, _, body = content.partition(b"\r\n\r\n")
    return Reply(sender, int(head.split(b" ", 2)[1]), body)

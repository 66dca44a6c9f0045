"""A closed loop of visitors: each sends its next request as soon as it has an answer."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Run:
    """The result of a load: the time of each answer (seconds, sorted), and of all together."""

    waits: Sequence[float]
    seconds: float
    failures: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.waits) / self.seconds

    @property
    def median(self) -> float:
        """The median time of an answer, in seconds."""
        return self.waits[len(self.waits) // 2]


def put(url: str, bearers: Sequence[str], visitors: int, seconds: float) -> Run:
    """Let *visitors* request tokens with *bearers* in turn, for *seconds*."""
    return asyncio.run(_put(url, bearers, visitors, seconds))


def _request(bearer: str) -> bytes:
    return (
        f"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


async def _put(url: str, bearers: Sequence[str], visitors: int, seconds: float) -> Run:
    started = time.monotonic()
    waits: list[float] = []
    failures = 0

    async def visit(number: int) -> None:
        nonlocal failures
        parts = urlsplit(url)
        turns = itertools.cycle(bearers[number::visitors])
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.monotonic() - started < seconds:
            sent = time.monotonic()
            writer.write(_request(next(turns)))
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            await reader.readexactly(int(length))
            waits.append(time.monotonic() - sent)
            failures += b" 200 " not in head[:16]
            if b"connection: close" in head.lower():
                writer.close()
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.close()

    await asyncio.gather(*(visit(number) for number in range(visitors)))
    return Run(sorted(waits), time.monotonic() - started, failures)

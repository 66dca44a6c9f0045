"""A fast mint: `python upstream.py [--delay SECONDS] [--echo]`.

At SIGUSR1 it stalls: it accepts and reads, and answers nothing. At the next SIGUSR1 it answers
whatever has come in, and goes on. With --echo, each token is derived from its request, the answers
arrive out of order, and some are cut off or too late.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import random
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "0123456789abcdef0123456789abcdef"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
TOO_LATE = 5.2  # seconds: the service gives up after 5


def echo(instruction: str, handle: str) -> str:
    """Return the part of a token that says whom it was minted for."""
    return hashlib.sha256(json.dumps([instruction, handle]).encode()).hexdigest()[:32]


def answer(token: str) -> bytes:
    """Return the response with *token*."""
    body = b'{"name": "auth_tokens/%b"}' % token.encode()
    return HEAD % (len(body), body)


ANSWER = answer(TOKEN)


@dataclass
class Mint:
    """What all connections share; while *stalled*, the answers wait."""

    delay: float
    echoes: bool
    stalled: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - no secret

    def toggle(self) -> None:
        """Stall, or go on."""
        self.stalled = not self.stalled
        waiting, self.waiting = self.waiting, []
        for send in waiting:
            send()
        sys.stdout.write("Stalled\n" if self.stalled else "Answering\n")
        sys.stdout.flush()


class Connection(asyncio.Protocol):
    """One connection; a request is complete when its whole Content-Length has arrived."""

    def __init__(self, mint: Mint) -> None:
        self._mint = mint
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, content: bytes) -> None:
        self._received += content
        head, ended, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or b"0")
        if not ended or len(body) < length:
            return
        self._received = b""
        mint = self._mint
        if mint.stalled:
            mint.waiting.append(lambda: self._transport.write(ANSWER))
        elif mint.echoes:
            self._echo(json.loads(body))
        elif mint.delay:
            asyncio.get_running_loop().call_later(mint.delay, self._transport.write, ANSWER)
        else:
            self._transport.write(ANSWER)

    def _echo(self, request: dict) -> None:
        """Answer with a token for this request alone, or cut the answer off."""
        setup, mint = request["bidiGenerateContentSetup"], self._mint
        number, wait = next(mint.numbers), mint.chance.uniform(0, 0.03)
        parts = setup.get("systemInstruction", {}).get("parts", [])
        handle = setup.get("sessionResumption", {}).get("handle", "")
        whose = echo("".join(part["text"] for part in parts), handle)
        content = answer(f"{whose}-{number}")
        ends = True
        if number % 97 == 1:
            content = b""
        elif number % 101 == 1:
            content = content[:-20]
        elif number % 1009 == 1:
            wait = TOO_LATE
        else:
            ends = number % 41 == 1  # without having said so
        asyncio.get_running_loop().call_later(wait, self._send, content, ends)

    def _send(self, content: bytes, ends: bool) -> None:  # noqa: FBT001 - for call_later
        self._transport.write(content)
        if ends:
            self._transport.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--echo", action="store_true")
    options = parser.parse_args()
    loop, mint = asyncio.get_running_loop(), Mint(options.delay, options.echo)
    loop.add_signal_handler(signal.SIGUSR1, mint.toggle)
    server = await loop.create_server(lambda: Connection(mint), "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"Minting on http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

"""Requests of many clients at a time, a watch on /livez, and the wait until all is well again."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from system import site
from system.clients import Connection, post

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from programs import Program
    from system.clients import Reply

CLIENTS = 16
IN_A_ROW = 20  # answers that must be good, until all is well
HEALTH_EVERY = 0.1  # seconds
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def visitor() -> str:
    """Return the credential of another visitor each time, so that none has too many conversations."""
    return site.signed(secrets.token_hex(8))


@dataclass(frozen=True)
class Timed:
    """A reply, and how long it took in seconds."""

    reply: Reply
    seconds: float

    @property
    def kind(self) -> str:
        """The status and, of a problem, its code."""
        return "200" if self.reply.status == 200 else f"{self.reply.status} {self.reply.code}"


def send(url: str, count: int) -> list[Timed]:
    """Send *count* requests for a token, from several clients at a time."""
    return asyncio.run(_send(url, iter(range(count))))


async def _send(url: str, numbers: Iterator[int]) -> list[Timed]:
    timed: list[Timed] = []

    async def client() -> None:
        connection = Connection(url)
        # One iterator for all clients.
        timed.extend([await ask(connection, f"{number}", post(visitor())) for number in numbers])
        connection.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return timed


def crowd(url: str, clients: int, *, arrive: float, stay: float) -> list[Timed]:
    """Have *clients*, who come one by one within *arrive* seconds, ask for a token each, until they have it.

    Who is refused comes again when `Retry-After` says, on a new connection, as through a proxy; after *stay* seconds,
    counted from the first one's arrival, no longer.
    """
    return asyncio.run(_crowd(url, clients, arrive, stay))


async def _crowd(url: str, clients: int, arrive: float, stay: float) -> list[Timed]:
    timed: list[Timed] = []
    began = time.monotonic()

    async def client(place: int) -> None:
        await asyncio.sleep(began + arrive * place / clients - time.monotonic())
        request = post(visitor())
        while time.monotonic() < began + stay:
            connection = Connection(url)
            timed.append(await ask(connection, f"{place}", request))
            connection.close()
            if (wait := timed[-1].reply.headers.get("retry-after")) is None:
                return
            await asyncio.sleep(int(wait))

    await asyncio.gather(*(client(place) for place in range(clients)))
    return timed


async def ask(connection: Connection, sender: str, request: bytes) -> Timed:
    """Send *request* and time its reply."""
    began = time.monotonic()
    reply = await connection.send(sender, request)
    return Timed(reply, time.monotonic() - began)


def kinds(answers: Sequence[Timed]) -> Counter[str]:
    """Count the answers by their kind."""
    return Counter(timed.kind for timed in answers)


def listed(answers: Sequence[Timed]) -> str:
    """Describe the answers for a table."""
    return ", ".join(f"{count} of {kind}" for kind, count in kinds(answers).most_common())


def p99(seconds: Sequence[float]) -> float:
    """Return what all but a hundredth of *seconds* stay below."""
    return sorted(seconds)[int(0.99 * len(seconds))]


@dataclass
class Health:
    """How long /livez took, each time, on a connection of its own."""

    seconds: list[float] = field(default_factory=list)

    @property
    def worst(self) -> float:
        return max(self.seconds)

    @property
    def p99(self) -> float:
        return p99(self.seconds)


@contextmanager
def watched(url: str) -> Iterator[Health]:
    """Ask for /livez ten times a second while the block runs."""
    health, done = Health(), threading.Event()

    def watch() -> None:
        while not (health.seconds and done.wait(HEALTH_EVERY)):
            timed = asyncio.run(ask(Connection(url), "monitor", LIVEZ))
            assert timed.reply.status == 200
            health.seconds.append(timed.seconds)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield health
    finally:
        done.set()
        thread.join(30)


def recovery(program: Program, limit: float) -> float:
    """Wait until every request gets a token; return after how many seconds the first of them did."""
    ended = good_since = time.monotonic()
    good = 0
    while good < IN_A_ROW:
        began = time.monotonic()
        assert began < ended + limit, f"still refused {limit} s after the fault"
        if program.post("/token", bearer=visitor()).status == 200:
            good_since = began if not good else good_since
            good += 1
        else:
            good = 0
            time.sleep(0.1)
    return good_since - ended

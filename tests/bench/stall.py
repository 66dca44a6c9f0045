"""What the service still answers, and how soon, while Google accepts requests and answers none."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.measuring import percentile, progress, row, title
from bench.servers import SERVICE, servers, upstream
from system.clients import Connection, post

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bench.measuring import Bench
    from programs import Program
    from system.clients import Reply

CROWD = 512  # clients; the bulkheads of two workers hold fewer
ARRIVE, FULL = 1.0, 1.5  # seconds within which they come, and after which the bulkheads are full
SHORT, LONG = 4.0, 15.0  # seconds: shorter than the service's deadline of 5, and longer
EVERY = 0.05  # seconds between two probes
RENEWALS = 20  # fewer than one worker reserves places for
REFUSED = {"upstream-busy", "upstream-unavailable"}
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Watched:
    """What was answered during one stall; times in milliseconds."""

    livez: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    renewals: list[int] = field(default_factory=list)  # their statuses
    recovery: float = 0.0


def stall(bench: Bench) -> dict[str, float]:
    """`/livez`, refusals, ended leases and renewals while the upstream stalls, for 4 and 15 s."""
    bearers = bench.visitors.bearers.read_text("ascii").split()
    with (
        upstream(0) as mint,
        servers(bench.new_folder(), bench.visitors, mint, SERVICE) as running,
    ):
        scene = Scene(mint, running[SERVICE].url, bearers)
        found = {seconds: asyncio.run(scene.stall(seconds)) for seconds in (SHORT, LONG)}
    title(f"a stalled upstream, {CROWD} clients, once as many wait as may")
    row("stalled for", *(f"{seconds:.0f} s" for seconds in found))
    for name in ("livez", "refusals", "ends"):
        each = [getattr(watched, name) for watched in found.values()]
        row(f"{name}: answers", *map(len, each))
        row(f"{name}: p99 ms", *(percentile(times, 0.99) for times in each))
        row(f"{name}: longest ms", *map(max, each))
    # In a stall that lasts, a renewal waits for the deadline like every mint.
    short = found[SHORT]
    served = short.renewals.count(200)
    row("renewals: served", f"{served} of {len(short.renewals)}", "-")
    row("first mint after the stall, ms", *(watched.recovery for watched in found.values()))
    every = list(found.values())
    return {
        "stall.livez_ms": max(max(each.livez) for each in every),
        "stall.refusal_ms": max(max(each.refusals) for each in every),
        "stall.refusal_p99_ms": max(percentile(each.refusals, 0.99) for each in every),
        "stall.lease_end_ms": max(max(each.ends) for each in every),
        "stall.renewals_not_served": len(short.renewals) - served,
    }


class Scene:
    """A service with an upstream that can be stalled."""

    def __init__(self, mint: Program, url: str, bearers: list[str]) -> None:
        self._mint = mint
        self._url = url
        self._bearers = iter(bearers)

    async def stall(self, seconds: float) -> Watched:
        """Stall the upstream for *seconds* while a crowd asks for tokens."""
        progress(f"a stall of {seconds:.0f} s")
        watched = Watched()
        probes = int((seconds - FULL - 1) / EVERY)
        leases = [await self._lease() for _ in range(probes + RENEWALS)]
        self._toggle("Stalled")
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as crowd:
            for _ in range(CROWD):
                crowd.create_task(self._ask(watched, time.monotonic() + FULL, end))
            await asyncio.sleep(FULL)
            async with asyncio.TaskGroup() as renewals:
                if seconds == SHORT:
                    for bearer, lease in leases[:RENEWALS]:
                        renewals.create_task(self._renew(watched, bearer, lease))
                for _, lease in leases[RENEWALS:]:
                    watched.livez.append((await self._timed(LIVEZ, 200))[0])
                    ended = post(None, {"lease": lease}, "/lease/end")
                    watched.ends.append((await self._timed(ended, 204))[0])
                    await asyncio.sleep(EVERY)
                await asyncio.sleep(max(0.0, end - time.monotonic()))
                self._toggle("Answering")
                watched.recovery = await self._recovery()
        return watched

    def _toggle(self, says: str) -> None:
        before = sum(says in line for line in self._mint.lines)
        self._mint.child.send_signal(signal.SIGUSR1)
        self._mint.await_lines(says, before + 1)

    async def _lease(self) -> tuple[str, str]:
        """Start a conversation, and return its person's credential and its lease."""
        bearer = next(self._bearers)
        async with _connection(self._url) as connection:
            reply = await connection.send("", post(bearer))
        assert reply.status == 200, reply
        return bearer, reply.json["lease"]

    async def _ask(self, watched: Watched, full: float, end: float) -> None:
        """Ask for tokens until *end*; a refused client asks again after a second or so."""
        pause = random.Random()  # noqa: S311 - no secret
        await asyncio.sleep(pause.uniform(0, ARRIVE))
        async with _connection(self._url) as connection:
            while time.monotonic() < end:
                began = time.monotonic()
                reply = await connection.send("", post(next(self._bearers)))
                took = (time.monotonic() - began) * 1000
                if reply.status in {502, 503} and reply.code in REFUSED:
                    if full <= began < end:
                        watched.refusals.append(took)
                    await asyncio.sleep(pause.uniform(0.5, 1.5))
                else:
                    assert reply.status in {200, 504}, reply

    async def _renew(self, watched: Watched, bearer: str, lease: str) -> None:
        async with _connection(self._url) as connection:
            reply = await connection.send("", post(bearer, {"lease": lease}))
        watched.renewals.append(reply.status)

    async def _timed(self, request: bytes, status: int) -> tuple[float, Reply]:
        """Send *request* on a new connection; return the milliseconds until its answer."""
        began = time.monotonic()
        async with _connection(self._url) as connection:
            reply = await connection.send("", request)
        assert reply.status == status, reply
        return (time.monotonic() - began) * 1000, reply

    async def _recovery(self) -> float:
        """Return the milliseconds until a token is minted again."""
        began = time.monotonic()
        async with _connection(self._url) as connection:
            while True:
                reply = await connection.send("", post(next(self._bearers)))
                if reply.status == 200:
                    return (time.monotonic() - began) * 1000
                await asyncio.sleep(EVERY)


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[Connection]:
    connection = Connection(url)
    try:
        yield connection
    finally:
        connection.close()

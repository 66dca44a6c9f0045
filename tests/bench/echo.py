"""Whether everybody gets their own token: an upstream derives each token from its request."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.measuring import progress, row, title
from bench.servers import upstream
from bench.upstream import echo as echoed
from programs import service_environment, serving
from system import site
from system.clients import Connection, post

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measuring import Bench

CLIENTS = 64
RENEWALS = 2  # of each conversation, each with a handle of its own
# A token is for whoever the instruction greets; only their own JWT has that name.
CONFIGURATION = f"""
{site.ISSUER}
claims = ["given_name"]
[profiles.default]
model = "gemini-3.8-live"
allow = ["user"]
[profiles.default.config]
system_instruction = "You help ${{claims.given_name}}."
[limits]
user = ["1000000/day"]
concurrent = {{ user = 1000 }}
"""
FAULTS = {"upstream-unavailable", "upstream-bad-response", "upstream-timeout", "upstream-busy"}


@dataclass
class Counts:
    """The tokens that were minted, and those that were someone else's or came twice."""

    wanted: int
    minted: int = 0
    refused: int = 0
    others: int = 0
    tokens: set[str] = field(default_factory=set)
    leases: list[tuple[str, str, str]] = field(default_factory=list)  # name, credential, lease

    @property
    def twice(self) -> int:
        """How many tokens came a second time."""
        return self.minted - len(self.tokens)

    def add(self, token: str, name: str, handle: str) -> None:
        """Count a token that *name* got, who presented *handle*."""
        self.minted += 1
        self.tokens.add(token)
        whose = token.removeprefix("auth_tokens/").partition("-")[0]
        self.others += whose != echoed(f"You help {name}.", handle)
        if self.minted % 2000 == 0:
            progress(f"{self.minted} of {self.wanted} tokens")


def echo(bench: Bench) -> dict[str, float]:
    """Check that each of --mints tokens is its caller's, and again after a restart; two workers.

    The upstream answers out of order; it cuts some answers off, ends connections without notice,
    and gives some answers after the service has given up.
    """
    folder, names = bench.new_folder(), (f"Visitor {number}" for number in itertools.count())
    before, after = Counts(bench.mints), Counts(bench.mints)
    with upstream(0, "--echo") as mint:
        environment = service_environment(folder, CONFIGURATION, mint.url, SHOP_SECRET=site.SECRET)
        with serving(environment) as service:
            asyncio.run(_visit(service.url, names, before, iter([])))
        with serving(environment) as service:
            continued = before.leases[-CLIENTS:]
            asyncio.run(_visit(service.url, names, after, iter(continued)))
    title(f"whose token it is, {CLIENTS} clients, two workers")
    row("", "minted", "faults", "another's", "twice")
    for when, counts in (("at first", before), ("after a restart", after)):
        row(when, counts.minted, counts.refused, counts.others, counts.twice)
    both = len(before.tokens & after.tokens)
    wrong = before.others + after.others + before.twice + after.twice + both
    return {"echo.tokens_of_others": wrong, "echo.minted": before.minted + after.minted}


async def _visit(
    url: str,
    names: Iterator[str],
    counts: Counts,
    continued: Iterator[tuple[str, str, str]],
) -> None:
    """Have clients renew what is *continued*, then start more, until enough tokens are minted."""

    async def client() -> None:
        connection = Connection(url)
        for held in itertools.chain(continued, map(_newcomer, names)):
            if counts.minted >= counts.wanted:
                break
            await _converse(connection, counts, *held)
        connection.close()

    async with asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(client())


def _newcomer(name: str) -> tuple[str, str, str]:
    return name, site.signed(name.replace(" ", "-"), given_name=name), ""


async def _converse(connection: Connection, counts: Counts, name: str, bearer: str, lease: str):
    """Start a conversation, unless there is a *lease*, and renew it."""
    for number in range(RENEWALS + 1):
        handle = f"{name}'s handle {number}" if lease else ""
        body = {"lease": lease, "resumption_handle": handle} if lease else None
        reply = await connection.send(name, post(bearer, body))
        if reply.status == 200:
            granted = reply.json
            counts.add(granted["token"], name, handle)
            if not lease:
                counts.leases.append((name, bearer, granted["lease"]))
            lease = granted["lease"]
        else:
            assert reply.code in FAULTS, reply
            counts.refused += 1

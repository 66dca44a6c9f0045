"""What a call of a server tool takes beyond the tool's own time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measuring import percentile, row, title
from bench.order_tool import SECONDS
from programs import service_environment, serving
from system import site
from system.clients import Connection, post
from system.upstream import Upstream

if TYPE_CHECKING:
    from bench.measuring import Bench
    from programs import Program

CLIENTS = 16
CALLS = 100  # of each
CONFIGURATION = f"""{site.ISSUER}
[profiles.default]
model = "gemini-3.8-live"
allow = ["user"]
[profiles.default.tools.look_up]
python = "bench.order_tool:look_up"
[limits]
user = ["100000/minute"]
concurrent = {{ user = 1000 }}
"""


def tools(bench: Bench) -> dict[str, float]:
    """Calls of a tool that takes 100 ms, 16 in flight, on two workers."""
    tests = str(Path(__file__).parents[1])
    variables = {"PYTHONPATH": tests, "SHOP_SECRET": site.SECRET}
    with Upstream() as google:
        environment = service_environment(bench.new_folder(), CONFIGURATION, google.url, **variables)
        with serving(environment, workers=2) as service:
            service.await_lines("worker started", 2)
            asyncio.run(_all(service, 5))  # warms up
            times = asyncio.run(_all(service, CALLS))
    over = [1000 * (each - SECONDS) for each in times]
    title(f"calls of a tool, {CLIENTS} in flight, over its own {SECONDS * 1000:.0f} ms")
    row("median ms", percentile(over, 0.5))
    row("p99 ms", percentile(over, 0.99))
    return {"tools.over_median_ms": percentile(over, 0.5), "tools.over_p99_ms": percentile(over, 0.99)}


async def _all(service: Program, calls: int) -> list[float]:
    each = await asyncio.gather(*(_client(service, f"person-{n}", calls) for n in range(CLIENTS)))
    return [seconds for times in each for seconds in times]


async def _client(service: Program, person: str, calls: int) -> list[float]:
    """Call as *person*: nobody has more than a quarter of the places."""
    bearer, connection = site.signed(person), Connection(service.url)
    lease = (await connection.send("", post(bearer))).json["lease"]
    times = []
    for number in range(calls):
        body = {"lease": lease, "call": f"call-{number}", "name": "look_up", "args": {"number": str(number)}}
        began = time.perf_counter()
        reply = await connection.send("", post(bearer, body, "/tool"))
        times.append(time.perf_counter() - began)
        assert reply.json == {"response": {"output": str(number)}}, reply
    connection.close()
    return times

"""What 64 people who keep signing in cost everybody else, in tokens, in health checks and memory.

The baseline is the same load, measured just before.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil

from bench.measuring import row, title
from programs import service_environment, serving
from system import site
from system.configurations import configuration
from system.fleet import children
from system.raw import login
from system.upstream import Upstream

if TYPE_CHECKING:
    from bench.measuring import Bench
    from programs import Program

SECONDS = 6.0
CLIENTS = 8  # that ask for tokens
PEOPLE = 64


def sign_ins(bench: Bench) -> dict[str, float]:
    """Rate of tokens while 64 people keep signing in, beside that before; the slowest /livez."""
    rates = []
    title(f"{PEOPLE} people keep signing in")
    row("sign-ins", "tokens/s", "/livez s", "memory MB")
    with ExitStack() as running:
        google = running.enter_context(Upstream())
        environment = service_environment(
            bench.new_folder(), configuration(default=""), google.url, SHOP_SECRET=site.SECRET
        )
        service = running.enter_context(serving(environment, workers=1))
        service.await_line("worker started")
        (worker,) = map(psutil.Process, children(service.child.pid))
        _load(service, signing_in=False)  # warms up
        for name, signing_in in (("before", False), ("during", True)):
            tokens, slowest, statuses = _load(service, signing_in=signing_in)
            size = worker.memory_info().rss / 1e6
            rates.append(tokens / SECONDS)
            row(f"{name} {statuses}", rates[-1], slowest, size)
    row("during / before", rates[1] / rates[0])
    return {"sign_ins.rate_of_before": rates[1] / rates[0], "sign_ins.livez_ms": slowest * 1000}


def _load(service: Program, *, signing_in: bool) -> tuple[int, float, dict[int, int]]:
    """Return how many tokens there were, the slowest health check, and the sign-ins by status."""
    end = time.monotonic() + SECONDS
    statuses: dict[int, int] = {}
    lock = threading.Lock()

    def tokens(client: int) -> int:
        count = 0
        while time.monotonic() < end:
            bearer = site.signed(f"{client}-{end}-{count}")
            assert service.post("/token", bearer=bearer).status == 200
            count += 1
        return count

    def sign_in(person: int) -> None:
        while time.monotonic() < end:
            answer = login(service, "nobody", "a wrong password", source=f"127.0.7.{person + 1}")
            with lock:
                statuses[answer.status] = statuses.get(answer.status, 0) + 1
            time.sleep(int(answer.headers.get("retry-after", 1)))

    def slowest_check() -> float:
        slowest = 0.0
        while time.monotonic() < end:
            began = time.monotonic()
            assert service.get("/livez").status == 200
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.02)
        return slowest

    with ThreadPoolExecutor(CLIENTS + PEOPLE + 1) as pool:
        checks = pool.submit(slowest_check)
        if signing_in:
            for person in range(PEOPLE):
                pool.submit(sign_in, person)
        counts = pool.map(tokens, range(CLIENTS))
        return sum(counts), checks.result(), dict(sorted(statuses.items()))

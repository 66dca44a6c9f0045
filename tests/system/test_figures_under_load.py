"""Metrics and ledger agree to the unit, while workers are replaced under load and after a restart."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from system import site
from system.fleet import children
from system.launching import free_ports, rows
from system.test_metrics import figures, watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from programs import Program
    from system.upstream import Upstream

PAIRS = [("default", 200), ("short", 200), ("nothing", 403)]  # profiles, and how requests for them end
SCRAPES = 10
COUNTED = ("tokensvc_tokens_total", "tokensvc_granted_seconds_total", "tokensvc_mint_seconds_count")


def counters(port: int) -> Counter[str]:
    """Return the counters that only grow, summed by name."""
    sums: Counter[str] = Counter()
    for name, value in figures(port).items():
        if name.startswith(COUNTED):
            outcome = '{outcome="granted"}' if 'outcome="granted"' in name else ""
            sums[name.partition("{")[0] + outcome] += int(value)
    return sums


def granted(service: Program) -> tuple[int, int]:
    """Return the tokens and seconds that the ledger says were granted."""
    ((tokens, seconds),) = rows(service, "select count(*), sum(seconds) from events where kind = 'granted'")
    return tokens, seconds


@contextmanager
def load(service: Program) -> Iterator[Counter[int]]:
    """Ask for tokens from twelve clients until the end of the block; count how it ended."""
    statuses, stop, people = Counter[int](), threading.Event(), itertools.count()

    def ask() -> None:
        while not stop.is_set():
            number = next(people)
            profile, expected = PAIRS[number % len(PAIRS)]
            status = service.post("/token", {"profile": profile}, bearer=site.signed(f"person-{number}")).status
            assert status == expected
            statuses[status] += 1

    with ThreadPoolExecutor(12) as pool:
        clients = [pool.submit(ask) for _ in range(12)]
        try:
            yield statuses
        finally:
            stop.set()
    for client in clients:
        client.result()


@contextmanager
def growing(port: int) -> Iterator[None]:
    """Scrape until the end of the block, and some times at least; no counter may ever be smaller than before."""
    stop, seen = threading.Event(), [counters(port)]

    def scrape() -> None:
        while len(seen) < SCRAPES or not stop.wait(0.05):
            seen.append(counters(port))

    with ThreadPoolExecutor(1) as pool:
        scraping = pool.submit(scrape)
        try:
            yield
        finally:
            stop.set()
    scraping.result()
    for before, after in itertools.pairwise(seen):
        assert all(after[name] >= count for name, count in before.items())


def test_metrics_agree_with_the_ledger_under_load_and_after_a_restart(tmp_path: Path, google: Upstream) -> None:
    (port,) = free_ports(1)
    with watched(tmp_path, google, port) as service:
        with growing(port), load(service) as statuses:
            os.kill(children(service.child.pid)[0], signal.SIGTERM)
            service.await_lines("worker started", 5)
            service.child.send_signal(signal.SIGHUP)
            service.await_lines("worker started", 9)
        tokens, seconds = granted(service)
        assert statuses[200] == tokens > 50
        assert counters(port) == {
            "tokensvc_tokens_total": statuses[403],
            'tokensvc_tokens_total{outcome="granted"}': tokens,
            "tokensvc_granted_seconds_total": seconds,
            "tokensvc_mint_seconds_count": tokens,
        }
    with watched(tmp_path, google, port) as service:  # the counters begin at zero, the ledger does not
        assert counters(port).total() == 0
        with load(service):
            service.await_lines("token granted", 50)
        after, seconds_after = granted(service)
        found = counters(port)
        assert found['tokensvc_tokens_total{outcome="granted"}'] == after - tokens
        assert found["tokensvc_granted_seconds_total"] == seconds_after - seconds

"""Rates, costs and latencies of `POST /token`, compared with the baselines."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.measuring import row, title
from bench.servers import OBVIOUS, SDK, SERVICE, UPSTREAM, servers, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measuring import Bench
    from bench.servers import Server
    from programs import Program

GOOGLE = 0.15  # seconds that Google takes
READY = 32  # tokens that a worker keeps ready
BUSY, MOST = 16, 256  # connections


def rates(bench: Bench) -> dict[str, float]:
    """Rate and CPU over an upstream that answers at once, at 1, 16 and 64 connections; memory."""
    figures = {}
    with upstream(0) as mint, _all(bench, mint) as running:
        found = bench.measure(running, (1, BUSY, 64))
        title("an upstream without delay")
        row("server", "connections", "tokens/s", "/ obvious", "/ sdk", "CPU ms", "/ obvious")
        for (name, count), series in found.items():
            obvious, sdk = found[OBVIOUS, count], found[SDK, count]
            of_obvious, of_sdk = series.rate / obvious.rate, series.rate / sdk.rate
            cost = series.cost / obvious.cost
            row(name, count, series.rate, of_obvious, of_sdk, series.cost, cost)
            figures |= {
                f"{name}.rate.{count}": series.rate,
                f"{name}.rate_of_obvious.{count}": of_obvious,
                f"{name}.rate_of_sdk.{count}": of_sdk,
                f"{name}.cpu_of_obvious.{count}": cost,
            }
        title("memory of a worker after this load")
        row("server", "private MB", "/ sdk", "PSS MB", "/ sdk")
        private_sdk, share_sdk = running[SDK].worker_memory
        for name, server in running.items():
            private, share = server.worker_memory
            row(name, private, private / private_sdk, share, share / share_sdk)
            figures[f"{name}.memory_of_sdk"] = private / private_sdk
            figures[f"{name}.proportional_memory_of_sdk"] = share / share_sdk
    return figures


def latencies(bench: Bench) -> dict[str, float]:
    """Added time, and rate at 256 connections, over upstreams that take 50 and 150 ms."""
    figures = {}
    for delay in (0.05, GOOGLE):
        with upstream(delay) as mint, _all(bench, mint) as running:
            found = bench.measure(running, (1, MOST), direct=mint.url, longer=2)
        milliseconds = f"{delay * 1000:.0f}"
        title(f"an upstream that takes {milliseconds} ms")
        row("server", "connections", "tokens/s", "/ upstream", "added ms", "p99 ms")
        for (name, count), series in found.items():
            direct = found[UPSTREAM, count]
            of_upstream, added = series.rate / direct.rate, series.latency - direct.latency
            row(name, count, series.rate, of_upstream, added, series.p99)
            where = f"{milliseconds}ms.{count}"
            figures[f"{name}.rate_of_upstream.{where}"] = of_upstream
            figures[f"{name}.added_ms.{where}"] = added
    return figures


def ready(bench: Bench) -> dict[str, float]:
    """Time of `/token` with ready tokens, over an upstream that takes 150 ms."""
    profile = f"ready_tokens = {READY}"
    with (
        upstream(GOOGLE) as mint,
        servers(bench.new_folder(), bench.visitors, mint, SERVICE, profile=profile) as running,
    ):
        title(f"ready tokens, {READY} for each of two workers; the upstream takes 150 ms")
        row("connections, each pausing", "tokens/s", "median ms", "p99 ms", "/ upstream")
        figures = {}
        # As fast as they can, 16 connections use up more than can be minted ahead.
        for pause in (200, 0):
            found = bench.measure(running, (BUSY,), pause=pause, longer=2)[SERVICE, BUSY]
            of_upstream = found.latency / (GOOGLE * 1000)
            row(f"{BUSY}, {pause} ms", found.rate, found.latency, found.p99, of_upstream)
            figures[f"ready.median_of_upstream.pause_{pause}ms"] = of_upstream
    return figures


@contextmanager
def _all(bench: Bench, mint: Program) -> Iterator[dict[str, Server]]:
    with servers(bench.new_folder(), bench.visitors, mint, SERVICE, OBVIOUS, SDK) as running:
        yield running

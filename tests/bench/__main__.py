"""`make bench`: the cost of a token, as ratios to baselines that are measured in the same run.

Absolute times mean little on a shared machine. All servers take turns, and each figure is a median.
`python -m tests.bench [--rounds N] [--seconds N] [--only PART]`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.bench import load
from tests.bench.servers import (
    EVERYONE,
    OBVIOUS,
    SDK,
    SERVICE,
    UPSTREAM,
    Visitors,
    servers,
    upstream,
)
from tests.system.postgres import Postgres
from tokensvc.store.engine import open_engine, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from tests.bench.load import Run
    from tests.bench.servers import Server
    from tests.programs import Program

VARIANTS = {
    "sqlite, 2": (2, EVERYONE),
    "postgresql, 1": (1, EVERYONE),
    "postgresql, 2": (2, EVERYONE),
    "postgresql, 4": (4, EVERYONE),
    "postgresql, 4, own budget": (4, ""),
}


@dataclass
class Series:
    """The measurements of one server at one number of connections."""

    runs: list[Run] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)  # milliseconds of CPU for each answer

    def median(self, of: Callable[[Run], float]) -> float:
        """Return the median of a figure."""
        return statistics.median(map(of, self.runs))

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.median(lambda run: run.rate)

    @property
    def cost(self) -> float:
        """Milliseconds of CPU for an answer."""
        return statistics.median(self.costs)


@dataclass(frozen=True)
class Bench:
    """How long to measure, and with which credentials."""

    folder: Path
    visitors: Visitors
    rounds: int
    seconds: float

    def measure(
        self, running: Mapping[str, Server], connections: tuple[int, ...], direct: str | None = None
    ) -> dict[tuple[str, int], Series]:
        """Put all servers under load in turn; *direct* is the upstream's own address."""
        series: dict[tuple[str, int], Series] = {}
        for _ in range(self.rounds):
            for count in connections:
                for name, server in running.items():
                    self._measure(server, count, series.setdefault((name, count), Series()))
                if direct is not None:
                    run = self._put(UPSTREAM, direct, count)
                    series.setdefault((UPSTREAM, count), Series()).runs.append(run)
        return series

    def _measure(self, server: Server, connections: int, series: Series) -> None:
        """Put a server under load once, and add the figures to *series*."""
        before = server.cpu
        run = self._put(server.name, server.url, connections)
        series.runs.append(run)
        series.costs.append((server.cpu - before) / run.answers * 1000)

    def _put(self, name: str, url: str, connections: int) -> Run:
        run = load.put(url, self.visitors.bearers, connections, self.seconds)
        if run.failures or not run.answers:
            sys.exit(f"{name} failed {run.failures} of {run.answers} requests.")
        return run

    def rates(self) -> None:
        """Compare rates and costs with an upstream that answers at once; starts and memory."""
        with upstream(0) as mint, self._all(mint) as running:
            found = self.measure(running, (1, 16, 64))
            _title("an upstream without delay")
            _row("server", "connections", "tokens/s", "/ obvious", "/ sdk", "CPU ms", "/ obvious")
            for (name, count), series in found.items():
                obvious, sdk = found[OBVIOUS, count], found[SDK, count]
                _row(
                    *(name, count, series.rate, series.rate / obvious.rate),
                    *(series.rate / sdk.rate, series.cost, series.cost / obvious.cost),
                )
            _title("start and memory")
            _row("server", "start s", "/ sdk", "worker MB", "/ sdk")
            sdk_server = running[SDK]
            for name, server in running.items():
                memory, start = server.worker_memory, server.cold_start
                _row(
                    *(name, start, start / sdk_server.cold_start),
                    *(memory, memory / sdk_server.worker_memory),
                )

    def latencies(self) -> None:
        """Compare with an upstream that takes as long as Google does."""
        for delay in (0.05, 0.15):
            with upstream(delay) as mint, self._all(mint) as running:
                found = self.measure(running, (1, 256), direct=mint.url)
                _title(f"an upstream that takes {delay * 1000:.0f} ms")
                _row("server", "connections", "tokens/s", "/ upstream", "added ms", "p99 ms")
                for (name, count), series in found.items():
                    direct = found[UPSTREAM, count]
                    added = series.median(lambda run: run.median) - direct.median(
                        lambda run: run.median
                    )
                    p99 = series.median(lambda run: run.p99)
                    _row(name, count, series.rate, series.rate / direct.rate, added, p99)

    def postgresql(self) -> None:
        """Compare PostgreSQL with SQLite, one process with four, and without a shared budget."""
        found: dict[str, Series] = {}
        with upstream(0) as mint:
            for _ in range(self.rounds):
                for name, (workers, everyone) in VARIANTS.items():
                    self._variant(found.setdefault(name, Series()), mint, name, workers, everyone)
        _title("the stores, with an upstream without delay and 16 connections")
        _row("store, processes", "tokens/s", "/ sqlite", "CPU ms", "p99 ms")
        for name, series in found.items():
            ratio = series.rate / found["sqlite, 2"].rate
            _row(name, series.rate, ratio, series.cost, series.median(lambda run: run.p99))

    def _variant(
        self, series: Series, mint: Program, name: str, workers: int, everyone: str
    ) -> None:
        """Measure a store that begins empty."""
        added = {}
        with ExitStack() as started:
            if name.startswith("postgresql"):
                database = Postgres()
                started.callback(database.close)
                added["DATABASE_URL"] = database.url
                engine = open_engine(database.url)
                upgrade(engine)
                engine.dispose()
            where = Path(tempfile.mkdtemp(dir=self.folder)) / "run"
            running = started.enter_context(
                servers(
                    *(where, self.visitors, mint, SERVICE),
                    workers=workers,
                    everyone=everyone,
                    **added,
                )
            )
            self._measure(running[SERVICE], 16, series)

    def _all(self, mint: Program) -> AbstractContextManager[dict[str, Server]]:
        where = Path(tempfile.mkdtemp(dir=self.folder)) / "run"
        return servers(where, self.visitors, mint, SERVICE, OBVIOUS, SDK)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", choices=["rates", "latencies", "postgresql"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        click.echo("Signing credentials …")
        bench = Bench(folder, Visitors.made(folder), options.rounds, options.seconds)
        for part in [options.only] if options.only else ["rates", "latencies", "postgresql"]:
            getattr(bench, part)()


def _title(text: str) -> None:
    click.echo(f"\n{text[0].upper()}{text[1:]}")


def _row(first: str, *cells: float | str) -> None:
    columns = [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells]
    click.echo(f"{first:26}" + "".join(f"{cell:>12}" for cell in columns))


if __name__ == "__main__":
    main()

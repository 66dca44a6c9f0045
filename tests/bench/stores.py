"""The two stores, and what a budget costs that everyone shares."""

from __future__ import annotations

import statistics
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bench.measuring import Bench, Series, row, title
from bench.servers import EVERYONE, SERVICE, servers, upstream
from system.postgres import Postgres
from tokensvc.store.engine import open_engine, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.servers import Server
    from programs import Program

CONNECTIONS = 16
WITHOUT = ""
LONGER = 5  # than other runs


def stores(bench: Bench) -> dict[str, float]:
    """PostgreSQL beside SQLite, and one process beside four."""
    with upstream(0) as mint, ExitStack() as started:
        running = {"sqlite, 2": started.enter_context(_sqlite(bench, mint))}
        for workers in (1, 2, 4):
            one = _postgresql(bench, mint, workers, EVERYONE)
            running[f"postgresql, {workers}"] = started.enter_context(one)
        found = bench.measure(running, (CONNECTIONS,))
    title(f"the stores, with an upstream without delay and {CONNECTIONS} connections")
    row("store, processes", "tokens/s", "/ sqlite", "CPU ms", "p99 ms")
    rate = {}
    for (name, _), series in found.items():
        rate[name] = series.rate
        row(name, series.rate, series.rate / rate["sqlite, 2"], series.cost, series.p99)
    return {
        "postgresql.rate_of_sqlite.2": rate["postgresql, 2"] / rate["sqlite, 2"],
        "postgresql.rate_of_sqlite.4": rate["postgresql, 4"] / rate["sqlite, 2"],
        "postgresql.rate_of_one_process.4": rate["postgresql, 4"] / rate["postgresql, 1"],
    }


def everyone(bench: Bench) -> dict[str, float]:
    """The rate with a budget that everyone shares, beside that without; PostgreSQL, 4 processes.

    Both services have a server of their own, and take turns; the figure is the median of the ratios
    of adjacent runs.
    """
    with (
        upstream(0) as mint,
        _postgresql(bench, mint, 4, EVERYONE) as shared,
        _postgresql(bench, mint, 4, WITHOUT) as own,
    ):
        found = bench.measure({"shared": shared, "own": own}, (CONNECTIONS,), longer=LONGER)
    title(f"a budget for everyone: PostgreSQL, 4 processes, {CONNECTIONS} connections")
    row("budgets", "tokens/s", "CPU ms", "p99 ms")
    with_it, without = found["shared", CONNECTIONS], found["own", CONNECTIONS]
    _row("with everyone's", with_it)
    _row("without", without)
    ratios = [one.rate / other.rate for one, other in zip(with_it.runs, without.runs, strict=True)]
    row("ratio of adjacent runs", *(f"{ratio:.2f}" for ratio in sorted(ratios)))
    return {
        "everyone.rate_of_without": statistics.median(ratios),
        "everyone.lowest_ratio": min(ratios),
        "everyone.highest_ratio": max(ratios),
    }


def _row(name: str, series: Series) -> None:
    row(name, series.rate, series.cost, series.p99)


@contextmanager
def _sqlite(bench: Bench, mint: Program) -> Iterator[Server]:
    with servers(bench.new_folder(), bench.visitors, mint, SERVICE) as running:
        yield running[SERVICE]


@contextmanager
def _postgresql(bench: Bench, mint: Program, workers: int, budget: str) -> Iterator[Server]:
    """Run a service with a PostgreSQL server of its own."""
    with ExitStack() as started:
        database = Postgres()
        started.callback(database.close)
        engine = open_engine(database.url)
        upgrade(engine)
        engine.dispose()
        options = {"workers": workers, "everyone": budget, "DATABASE_URL": database.url}
        running = servers(bench.new_folder(), bench.visitors, mint, SERVICE, **options)
        yield started.enter_context(running)[SERVICE]

"""Measures servers in turn, and prints tables; what every part of the benchmark uses."""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench import load
from bench.servers import UPSTREAM, Visitors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.load import Run
    from bench.servers import Server


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
    def latency(self) -> float:
        """The median time of an answer, in milliseconds."""
        return self.median(lambda run: run.median)

    @property
    def p99(self) -> float:
        """The 99th percentile of the time of an answer, in milliseconds."""
        return self.median(lambda run: run.p99)

    @property
    def cost(self) -> float:
        """Milliseconds of CPU for an answer."""
        return statistics.median(self.costs)


@dataclass(frozen=True)
class Bench:
    """How much to measure, in which folder."""

    folder: Path
    rounds: int
    seconds: float
    events: int
    mints: int
    sessions: int
    minutes: float
    presses: int

    @cached_property
    def visitors(self) -> Visitors:
        """Those who ask for tokens; to sign their credentials takes a while."""
        progress("signing credentials")
        return Visitors.made(self.folder)

    def new_folder(self) -> Path:
        """Return an empty folder."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def measure(
        self,
        running: Mapping[str, Server],
        connections: tuple[int, ...],
        *,
        direct: str | None = None,
        pause: int = 0,
        longer: int = 1,
    ) -> dict[tuple[str, int], Series]:
        """Put all servers under load in turn, in the opposite order every other time.

        *direct* is the upstream's own address. Each connection waits *pause* milliseconds between
        two requests. A run is *longer* than usual by that factor.
        """
        series: dict[tuple[str, int], Series] = {}
        for number in range(self.rounds):
            progress(f"round {number + 1} of {self.rounds}")
            turns = [*running.items()][:: -1 if number % 2 else 1]
            for count in connections:
                for name, server in turns:
                    found = series.setdefault((name, count), Series())
                    before = server.cpu
                    run = self._put(name, server.url, count, pause, longer)
                    found.runs.append(run)
                    found.costs.append((server.cpu - before) / run.answers * 1000)
                if direct is not None:
                    run = self._put(UPSTREAM, direct, count, pause, longer)
                    series.setdefault((UPSTREAM, count), Series()).runs.append(run)
        return series

    def _put(self, name: str, url: str, connections: int, pause: int, longer: int) -> Run:
        seconds = self.seconds * longer
        run = load.put(url, self.visitors.bearers, connections, seconds, pause)
        if run.failures or not run.answers:
            sys.exit(f"{name} failed {run.failures} of {run.answers} requests.")
        return run


def title(text: str) -> None:
    """Print the title of a table."""
    click.echo(f"\n{text[0].upper()}{text[1:]}")


def row(first: str, *cells: float | str) -> None:
    """Print a line of a table."""
    columns = [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells]
    click.echo(f"{first:32}" + "".join(f"{cell:>12}" for cell in columns))


def progress(text: str) -> None:
    """Print what is being done, not among the results."""
    click.echo(f"  … {text}", err=True)


def percentile(values: list[float], part: float) -> float:
    """Return the value that the share *part* of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

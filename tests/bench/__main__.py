"""`make bench`: the cost of a token, as ratios to baselines measured in the same run.

Absolute times mean little on a shared machine; the ratios and the CPU time per request are stable.
The baselines run under the same gunicorn settings, and take turns with the service.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.bench import load
from tests.programs import clean_environment, running, service_environment
from tests.system import site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.load import Run
    from tests.programs import Program

ROUNDS = 3
SECONDS = 1.0  # of load for each server, round and number of visitors
VISITORS = (1, 16)
SUBJECTS = 320  # enough for each to have only a few conversations
DELAY = 0.05  # seconds; about Google's latency at its best
BENCH = Path(__file__).parent
SERVICE, NAIVE, PLAIN = "tokensvc", "naive", "plain"
PYTHON = [sys.executable, "-m", "gunicorn"]
BIND = ["--workers", "2", "--bind", "127.0.0.1:0", "--no-control-socket"]
BASELINE_WORKERS = [
    "--worker-class",
    "gthread",
    "--threads",
    "16",
    "--keep-alive",
    "5",
    "--no-control-socket",
]
LISTENING = r"Listening at: (http://[0-9.]+:[0-9]+)"
CONFIGURATION = f"""
{site.ISSUER}
[profiles.default]
model = "gemini-3.8-live"
allow = ["user"]
[limits]
user = ["1000000/day"]
concurrent = {{ user = 1000 }}
"""


@dataclass
class Server:
    """A server under load, with its measurements."""

    name: str
    program: Program
    cold_start: float
    rates: dict[int, list[float]] = field(default_factory=dict)
    medians: dict[int, list[float]] = field(default_factory=dict)
    costs: dict[int, list[float]] = field(default_factory=dict)

    def put(self, bearers: list[str], visitors: int) -> None:
        """Put the server under load and record the measurements."""
        before = self._cpu()
        run: Run = load.put(self.program.url, bearers, visitors, SECONDS)
        if run.failures:
            sys.exit(f"{self.name} refused {run.failures} of {len(run.waits)} requests.")
        cost = (self._cpu() - before) / len(run.waits)
        for series, value in (
            (self.rates, run.rate),
            (self.medians, run.median * 1000),
            (self.costs, cost * 1000),
        ):
            series.setdefault(visitors, []).append(value)

    @property
    def memory(self) -> float:
        """The resident memory of one worker, in MB."""
        pages = Path(f"/proc/{self._pids()[-1]}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _pids(self) -> list[int]:
        master = self.program.child.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii")
        return [master, *map(int, children.split())]

    def _cpu(self) -> float:
        """Return the CPU time that the server has used, in seconds."""
        ticks = 0
        for pid in self._pids():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
            ticks += sum(map(int, fields.split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def _servers(folder: Path, delay: float) -> Iterator[list[Server]]:
    """Start the service and the baselines, with an upstream that takes *delay* seconds."""
    with ExitStack() as programs:
        upstream = programs.enter_context(
            running(
                [sys.executable, str(BENCH / "upstream.py"), str(delay)],
                r"Minting on (\S+)",
                environment=clean_environment(),
            )
        )
        folder.mkdir()
        environment = service_environment(
            folder,
            CONFIGURATION,
            upstream.url,
            SHOP_SECRET=site.SECRET,
            UPSTREAM=upstream.url,
            STORE=str(folder / "naive.db"),
            PYTHONPATH=str(BENCH),
        )
        commands = {
            SERVICE: [
                *(*PYTHON, "--config", "python:tokensvc.serving", *BIND),
                "tokensvc.app:create_app()",
            ],
            NAIVE: [*PYTHON, *BIND, *BASELINE_WORKERS, "baselines:naive()"],
            PLAIN: [*PYTHON, *BIND, *BASELINE_WORKERS, "baselines:plain()"],
        }
        yield [
            Server(name, *_started(programs, command, environment))
            for name, command in commands.items()
        ]


def _started(
    programs: ExitStack, command: list[str], environment: dict[str, str]
) -> tuple[Program, float]:
    """Start a program; return it and the seconds until its first answer."""
    started = time.monotonic()
    program = programs.enter_context(running(command, LISTENING, environment=environment))
    while program.get("/livez").status != 200:
        pass
    return program, time.monotonic() - started


def main() -> None:
    """Measure and print."""
    bearers = [site.signed(f"visitor-{number}") for number in range(SUBJECTS)]
    with tempfile.TemporaryDirectory() as name:
        with _servers(Path(name) / "fast", 0) as fast:
            for _ in range(ROUNDS):
                for visitors in VISITORS:
                    for server in fast:
                        server.put(bearers, visitors)
            _print_costs(fast)
            memories = {server.name: server.memory for server in fast}
        with _servers(Path(name) / "slow", DELAY) as slow:
            for _ in range(ROUNDS):
                for server in slow:
                    server.put(bearers, 1)
            _print_latencies(slow, memories)


def _print_costs(servers: list[Server]) -> None:
    click.echo(f"Upstream without delay; medians of {ROUNDS} rounds of {SECONDS:.0f} s.")
    _print_row("server", "visitors", "tokens/s", "/ naive", "CPU ms", "/ naive")
    for visitors in VISITORS:
        rates = {server.name: statistics.median(server.rates[visitors]) for server in servers}
        costs = {server.name: statistics.median(server.costs[visitors]) for server in servers}
        for name, rate in rates.items():
            cost = costs[name]
            _print_row(name, visitors, rate, rate / rates[NAIVE], cost, cost / costs[NAIVE])


def _print_latencies(servers: list[Server], memories: dict[str, float]) -> None:
    click.echo(f"\nUpstream with a delay of {DELAY * 1000:.0f} ms, one visitor; memory under load.")
    _print_row("server", "added ms", "/ naive", "start s", "/ naive", "MB", "/ naive")
    added = {server.name: statistics.median(server.medians[1]) - DELAY * 1000 for server in servers}
    starts = {server.name: server.cold_start for server in servers}
    for name in (SERVICE, NAIVE):
        pairs = [
            (series[name], series[name] / series[NAIVE]) for series in (added, starts, memories)
        ]
        _print_row(name, *(number for pair in pairs for number in pair))


def _print_row(first: str, *cells: float | str) -> None:
    columns = [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells]
    click.echo(f"{first:10}" + "".join(f"{cell:>10}" for cell in columns))


if __name__ == "__main__":
    main()

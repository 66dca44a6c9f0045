"""Compares figures with their goals and with the last committed result, and keeps them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).with_name("results.json")
SLACK = 0.1  # runs differ by this much; a smaller change is not marked


@dataclass(frozen=True)
class Goal:
    """What a figure should be: at least, or at most, *limit*."""

    what: str
    limit: float
    at_most: bool = False

    def met(self, figure: float) -> bool:
        """Return whether *figure* is good enough."""
        return figure <= self.limit if self.at_most else figure >= self.limit

    def __str__(self) -> str:
        if not self.limit:
            return "0"
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


def _at_most(what: str, limit: float) -> Goal:
    return Goal(what, limit, at_most=True)


GOALS = {
    "tokensvc.rate_of_obvious.16": Goal("tokens/s, 16 connections, of the obvious app", 2.5),
    "tokensvc.rate_of_obvious.64": Goal("the same, 64 connections", 2.5),
    "tokensvc.rate_of_sdk.16": Goal("tokens/s, 16 connections, of the SDK app", 1.2),
    "tokensvc.rate_of_sdk.64": Goal("the same, 64 connections", 1.2),
    "tokensvc.cpu_of_obvious.16": _at_most("CPU for a token, 16 connections, of the obvious app's", 0.4),
    "tokensvc.cpu_of_obvious.64": _at_most("the same, 64 connections", 0.4),
    "tokensvc.rate_of_upstream.150ms.256": Goal("tokens/s, 256 connections over 150 ms, of the upstream's own", 0.55),
    "tokensvc.added_ms.150ms.1": _at_most("added to 150 ms, one connection, ms", 2.5),
    "ready.median_of_upstream.pause_200ms": _at_most(
        "time of `/token` with ready tokens, of the upstream's 150 ms", 0.02
    ),
    "tokensvc.memory_of_sdk": _at_most("private memory of a worker, of the SDK app's", 0.65),
    "start.of_sdk.new": _at_most("first answer of a first start, of the SDK app's", 0.9),
    "start.of_sdk.again": _at_most("first answer of a restart, of the SDK app's", 0.9),
    "postgresql.rate_of_sqlite.2": Goal("PostgreSQL: tokens/s, 2 processes, of SQLite's", 0.7),
    "postgresql.rate_of_one_process.4": Goal("PostgreSQL: tokens/s of 4 processes, of one's", 1),
    "everyone.rate_of_without": Goal("PostgreSQL: tokens/s with a budget for everyone, of those without", 0.8),
    "tools.over_p99_ms": _at_most("call of a server tool over its own time, 16 in flight, p99 ms", 15),
    "stall.livez_ms": _at_most("Google stalls: slowest `/livez`, ms", 1000),
    "stall.refusal_ms": _at_most("Google stalls: slowest refusal once as many wait as may, ms", 100),
    "stall.renewals_not_served": _at_most("Google stalls for 4 s: renewals not served", 0),
    "echo.tokens_of_others": _at_most("tokens of someone else, or twice, two workers, and after a restart", 0),
    "ledger.median_of_empty.1": _at_most("median with a large ledger, one connection, of an empty one's", 1.1),
    "ledger.median_of_empty.16": _at_most("the same, 16 connections", 1.1),
    "press.beside_ms": _at_most("press to live, beside the longer of microphone and token, ms", 20),
    "emulator.dropped": _at_most("emulator, spoken sessions: answers dropped or cut short", 0),
    "emulator.latest_ms": _at_most("emulator: p99 of any delay in the worst session, ms", 200),
}


def committed(file: Path = FILE) -> dict[str, Any]:
    """Return the results in the last commit, by part; none if there is no such file."""
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{file.name}"],
        cwd=file.parent,
        capture_output=True,
        check=False,
        text=True,
    )
    return json.loads(shown.stdout) if shown.returncode == 0 else {}


def keep(file: Path, part: str, options: Mapping[str, object], figures: Mapping[str, float]) -> None:
    """Replace the results of *part* in *file*; those of other parts stay."""
    kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
    kept[part] = {
        "measured": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count() or 1,
        **options,
        "figures": {name: float(f"{figure:.4g}") for name, figure in figures.items()},
    }
    file.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", "utf-8")


def figures_of(results: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of all parts."""
    return {name: f for part in results.values() for name, f in part["figures"].items()}


def compare(figures: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """Return a line for each figure that has a goal or an earlier value; the worse are marked."""
    lines = []
    for name, figure in figures.items():
        goal, earlier = GOALS.get(name), before.get(name)
        ours = "_of_" in name and not name.startswith(("obvious.", "sdk."))
        if goal is None and (earlier is None or not ours):
            continue  # a baseline's, or an absolute value, which depends on the machine
        cells = [f"{name:42}{figure:10.3g}", f"{'' if goal is None else str(goal):>9}"]
        if goal is not None:
            cells.append("  met " if goal.met(figure) else "  MISS")
        if earlier is not None:
            cells.append(f"  before {earlier:8.3g}{_change(figure, earlier, goal)}")
        lines.append("".join(cells).rstrip())
    return lines


def _change(figure: float, earlier: float, goal: Goal | None) -> str:
    if not earlier:
        return ""
    change = figure / earlier - 1
    if goal is None or abs(change) <= SLACK:
        return f"  {change:+.0%}"
    return f"  {change:+.0%} {'worse' if (change > 0) == goal.at_most else 'better'}"


def show(figures: Mapping[str, float], before: Mapping[str, float]) -> None:
    """Print the comparison."""
    click.echo("\nGoals, and the last committed result")
    for line in compare(figures, before):
        click.echo(line)

"""How long a start takes until the first answer, with and without what an earlier start left."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.measuring import progress, row, title
from bench.servers import SDK, SERVICE, servers, upstream

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measuring import Bench
    from programs import Program

NEW, COMPILED, AGAIN = "new", "compiled", "again"
VARIANTS = {
    NEW: "nothing there: compiles the profiles with the SDK",
    COMPILED: "with compiled profiles, and no store",
    AGAIN: "with compiled profiles and a store",
    SDK: "the SDK app",
}


def starts(bench: Bench) -> dict[str, float]:
    """Time until the first answer: a first start, a restart, and the SDK app's."""
    found: dict[str, list[float]] = {name: [] for name in VARIANTS}
    kept = bench.new_folder()
    with upstream(0) as mint:
        _start(bench, mint, kept, SERVICE)
        for number in range(bench.rounds):
            progress(f"round {number + 1} of {bench.rounds}")
            found[NEW].append(_start(bench, mint, bench.new_folder(), SERVICE))
            for file in (kept / "data").glob("tokensvc.db*"):
                file.unlink()
            found[COMPILED].append(_start(bench, mint, kept, SERVICE))
            found[AGAIN].append(_start(bench, mint, kept, SERVICE))
            found[SDK].append(_start(bench, mint, bench.new_folder(), SDK))
    median = {name: statistics.median(times) for name, times in found.items()}
    title("start until the first answer")
    row("start", "seconds", "/ sdk")
    for name, seconds in median.items():
        row(name, seconds, seconds / median[SDK], f"  {VARIANTS[name]}")
    return {f"start.of_sdk.{name}": median[name] / median[SDK] for name in (NEW, COMPILED, AGAIN)}


def _start(bench: Bench, mint: Program, folder: Path, name: str) -> float:
    with servers(folder, bench.visitors, mint, name) as running:
        return running[name].cold_start

"""What a ledger of millions of events costs the next request."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING

from bench.filling import BYTES, fill
from bench.measuring import progress, row, title
from bench.servers import SERVICE, SUBJECTS, servers, upstream

if TYPE_CHECKING:
    from bench.measuring import Bench

CONNECTIONS = (1, 16)
MOST_SUBJECTS = 200_000  # of whom those who ask are a tenth


def ledger(bench: Bench) -> dict[str, float]:
    """Median of `/token` with --events events in SQLite, beside that of an empty ledger."""
    free = shutil.disk_usage(bench.folder).free
    if free < bench.events * BYTES:
        sys.exit(f"{bench.folder} needs {bench.events * BYTES / 1e9:.0f} GB for so many events.")
    folder = bench.new_folder()
    (folder / "data").mkdir()
    path = folder / "data" / "tokensvc.db"
    count = min(MOST_SUBJECTS, max(SUBJECTS, bench.events // 50))
    began = time.monotonic()
    fill(path, bench.events, [f"visitor-{each}" for each in range(count)], int(time.time() * 1e6))
    size, took = path.stat().st_size / 1e9, time.monotonic() - began
    progress(f"{size:.1f} GB, filled in {took:.0f} s")
    with (
        upstream(0) as mint,
        servers(folder, bench.visitors, mint, SERVICE) as full,
        servers(bench.new_folder(), bench.visitors, mint, SERVICE) as empty,
    ):
        running = {"full": full[SERVICE], "empty": empty[SERVICE]}
        found = bench.measure(running, CONNECTIONS)
    title(f"a ledger of {bench.events:,} events, {size:.1f} GB")
    row("ledger", "connections", "median ms", "p99 ms", "tokens/s", "CPU ms")
    for (name, connections), series in found.items():
        row(name, connections, series.latency, series.p99, series.rate, series.cost)
    ratios = {each: found["full", each].latency / found["empty", each].latency for each in CONNECTIONS}
    row("full / empty", *(f"{ratio:.2f} at {each}" for each, ratio in ratios.items()))
    return {f"ledger.median_of_empty.{each}": ratio for each, ratio in ratios.items()}
